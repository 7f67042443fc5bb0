package scenes

import (
	"fmt"
	"strings"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/e2e/suite"
)

// everywhere are the scenes of both installs: nothing in them is of the cluster.
var everywhere = map[string]func(place){
	"by a CA": byCA, "by DNS-01": byDNS01, "by Venafi": byVenafi, "annotated": annotated,
	"by an Ingress": byIngress, "in an Ingress": inIngress, "by an HTTPRoute": byHTTPRoute, "by a pod": byPod,
}

// play plays scenes side by side, each in a namespace of where.
func play(t *testing.T, scenes map[string]func(place), where func(t *testing.T) *suite.Space) {
	t.Run("scenes", func(t *testing.T) {
		for name, scene := range scenes {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := &site.Site{Space: where(t), Parts: shared, Gate: shared.Gate, Pebble: shared.Pebble}
				scene(place{s, strings.ReplaceAll(strings.ToLower(name), " ", "-")})
			})
		}
	})
}

// byCA: the whole life of a Certificate, with a request and a Secret that somebody
// deletes.
func byCA(p place) {
	p.CA(p.prefix)
	p.Create(p.prefix, suite.IssuerRef(p.prefix))
	before := p.Ready(p.prefix)
	p.Must(p.Kube.CoreV1().Secrets(p.Namespace).Delete(p.Context(), p.prefix, metav1.DeleteOptions{}))
	p.Reissued(before)
	for range 2 {
		before = p.Ready(p.prefix)
		p.Renew(p.prefix)
		p.Reissued(before)
	}
	p.until("the history is one request", func() (bool, error) {
		list, err := p.CertManager.CertmanagerV1().CertificateRequests(p.Namespace).List(p.Context(), metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		of := 0
		for _, cr := range list.Items {
			if cr.Annotations[cmapi.CertificateNameKey] == p.prefix {
				of++
			}
		}
		return of == 1, nil
	})
	p.remove(p.prefix)
}

// byDNS01: an ACME order to its end; revoked when the Certificate goes.
func byDNS01(p place) {
	if err := p.CreateSecret(parts.TSIG(p.Namespace, p.Parts.DNS.Key)); err != nil {
		p.Fatal(err)
	}
	issuer := p.ACME(p.prefix, p.Parts.DNS01())
	name := p.DNSName(p.prefix)
	p.Create(p.prefix, issuer, site.Names(name), func(crt *cmapi.Certificate) {
		crt.Annotations = map[string]string{"certwright.dev/revoke": "on-deletion"}
	})
	p.Obtained(p.prefix, name)
	p.Await(p.prefix, func(crt *cmapi.Certificate) bool { return len(crt.Finalizers) > 0 })
	p.remove(p.prefix)
}

// remove deletes a Certificate and waits until the daemon has let it go.
func (p place) remove(name string) {
	p.Helper()
	ctx, cancel := p.Within()
	defer cancel()
	p.Must(p.CertManager.CertmanagerV1().Certificates(p.Namespace).Delete(p.Context(), name, metav1.DeleteOptions{}))
	p.Must(p.Certificates().UntilGone(ctx, p.Namespace, name))
}

// byVenafi: a request is read anew before it is sent, and keeps by what it can be
// picked up.
func byVenafi(p place) {
	p.CreateIssuer(p.prefix, p.venafi())
	p.IssuerReady(p.prefix)
	p.Issue(p.prefix, suite.IssuerRef(p.prefix), func(crt *cmapi.Certificate) {
		crt.Spec.CommonName, crt.Spec.DNSNames = "pending.example.com", []string{"pending.example.com"}
	})
}

// venafi makes the Secret with the credentials of the stand-in.
func (p place) venafi() cmapi.IssuerConfig {
	p.Helper()
	p.PutSecret(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.prefix + "-login"},
		StringData: map[string]string{"username": "issuer", "password": "standin-password"}})
	return cmapi.IssuerConfig{Venafi: &cmapi.VenafiIssuer{Zone: `Certificates\web`, TPP: &cmapi.VenafiTPP{
		URL: venafi.url + "/vedsdk", CABundle: venafi.ca.PEM(), CredentialsRef: cmmeta.LocalObjectReference{Name: p.prefix + "-login"},
	}}}
}

// annotated: Certificates for an Ingress, a Gateway and a ListenerSet, changed with
// them and gone with their listeners.
func annotated(p place) {
	p.CA(p.prefix + "-ca")
	p.CA(p.prefix + "-ca2")
	manifests := strings.ReplaceAll(gateway, "NAME-", p.prefix+"-")
	manifests = strings.ReplaceAll(manifests, "name: NAME,", "name: "+p.prefix+",")
	manifests = strings.ReplaceAll(manifests, "name: NAME}", "name: "+p.prefix+"}")
	p.Must(apply(p.Context(), p.Clients, manifests, p.Namespace))
	names := []string{"web", "open", "set", "ingress"}
	for _, name := range names {
		p.Ready(p.prefix + "-" + name)
	}
	p.Must(apply(p.Context(), p.Clients, strings.ReplaceAll(manifests, "issuer: "+p.prefix+"-ca", "issuer: "+p.prefix+"-ca2"), p.Namespace))
	for _, name := range names {
		p.Await(p.prefix+"-"+name, func(crt *cmapi.Certificate) bool { return crt.Spec.IssuerRef.Name == p.prefix+"-ca2" })
	}
	p.Must(apply(p.Context(), p.Clients, strings.ReplaceAll(manifests, p.prefix+"-ingress}", p.prefix+"-other}"), p.Namespace))
	ctx, cancel := p.Within()
	defer cancel()
	p.Must(p.Certificates().UntilGone(ctx, p.Namespace, p.prefix+"-ingress"))
}

// challenge makes a Certificate whose name cannot be proved, waits until the object
// is there by which it should be, spoils it, waits until it is mended, and has all
// of it go with the Certificate.
func (p place) challenge(solver cmacme.ACMEChallengeSolver, kinds map[string]string) {
	p.Helper()
	issuer := p.ACME(p.prefix, solver)
	p.Create(p.prefix, issuer, site.Names(p.HTTPName(p.prefix)))
	ch := p.AwaitChallenge(func(ch *cmacme.Challenge) bool {
		return ch.Status.Presented && ch.Spec.IssuerRef.Name == p.prefix
	})
	for kind, spoilt := range kinds {
		name := p.made(ch, kind)
		if spoilt == "" {
			continue
		}
		before, err := p.get(kind, name)
		p.Must(err)
		_, err = p.Dynamic.Resource(resources[kind]).Namespace(p.Namespace).Patch(p.Context(), name, types.MergePatchType, []byte(spoilt), metav1.PatchOptions{})
		p.Must(err)
		p.until(kind+" is mended", func() (bool, error) {
			now, err := p.get(kind, name)
			return err == nil && now.GetGeneration() >= before.GetGeneration() && now.GetLabels()["spoilt"] == "" && mended(kind, before.Object, now.Object), err
		})
	}
	if kinds["EndpointSlice"] != "" {
		p.otherFamily(p.made(ch, "EndpointSlice"))
	}
	p.remove(p.prefix)
	for kind := range kinds {
		if kind == "Service" || kind == "EndpointSlice" {
			continue // others of the namespace may need it
		}
		p.until(kind+" is gone", func() (bool, error) {
			list, err := p.Dynamic.Resource(resources[kind]).Namespace(p.Namespace).List(p.Context(), metav1.ListOptions{})
			if err != nil {
				return false, err
			}
			for _, o := range list.Items {
				if metav1.IsControlledBy(&o, ch) {
					return false, nil
				}
			}
			return true, nil
		})
	}
}

// otherFamily puts an EndpointSlice of the other address family in the place of the
// daemon's, as one is left where the daemon had such an address before.
func (p place) otherFamily(name string) {
	p.Helper()
	slices := p.Kube.DiscoveryV1().EndpointSlices(p.Namespace)
	p.until("there is a slice of the other family", func() (bool, error) {
		slice, err := slices.Get(p.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		slice.AddressType, slice.ResourceVersion, slice.UID = discoveryv1.AddressTypeIPv6, "", ""
		slice.Endpoints[0].Addresses = []string{"2001:db8::1"}
		if err := slices.Delete(p.Context(), name, metav1.DeleteOptions{}); err != nil {
			return false, err
		}
		_, err = slices.Create(p.Context(), slice, metav1.CreateOptions{})
		return err == nil, err
	})
	p.until("it is of the daemon's family again", func() (bool, error) {
		slice, err := slices.Get(p.Context(), name, metav1.GetOptions{})
		return err == nil && slice.AddressType == discoveryv1.AddressTypeIPv4, err
	})
}

// mended compares what the scenes spoil.
func mended(kind string, before, now map[string]any) bool {
	field := map[string]string{"EndpointSlice": "ports"}[kind]
	if field == "" {
		field = "spec"
	}
	return fmt.Sprint(before[field]) == fmt.Sprint(now[field])
}

// made finds what was made for a challenge: its own, or what the namespace shares.
func (p place) made(ch *cmacme.Challenge, kind string) (name string) {
	p.Helper()
	p.until(kind+" is there", func() (bool, error) {
		list, err := p.Dynamic.Resource(resources[kind]).Namespace(p.Namespace).List(p.Context(), metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		for _, o := range list.Items {
			if metav1.IsControlledBy(&o, ch) || (kind == "Service" || kind == "EndpointSlice") && strings.HasPrefix(o.GetName(), "cm-acme-http-solver") {
				name = o.GetName()
			}
		}
		return name != "", nil
	})
	return name
}

func byIngress(p place) {
	p.challenge(parts.HTTP01(), map[string]string{
		"Ingress":       `{"spec":{"rules":[{"host":"other.test"}]}}`,
		"Service":       `{"spec":{"ports":[{"name":"http","port":8089,"targetPort":1,"protocol":"TCP"}]}}`,
		"EndpointSlice": `{"ports":[{"name":"http","port":1,"protocol":"TCP"}]}`,
	})
}

// inIngress: the path goes into an Ingress of the user's.
func inIngress(p place) {
	p.Must(apply(p.Context(), p.Clients, `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: mine, namespace: NAMESPACE},
		spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}}`, p.Namespace))
	solver := parts.HTTP01()
	solver.HTTP01.Ingress.IngressClassName, solver.HTTP01.Ingress.Name = nil, "mine"
	issuer := p.ACME(p.prefix, solver)
	p.Create(p.prefix, issuer, site.Names(p.HTTPName(p.prefix)))
	rules := func() (int, error) {
		mine, err := p.Kube.NetworkingV1().Ingresses(p.Namespace).Get(p.Context(), "mine", metav1.GetOptions{})
		if err != nil {
			return 0, err
		}
		return len(mine.Spec.Rules), nil
	}
	p.until("the path is there", func() (bool, error) { n, err := rules(); return n == 1, err })
	p.remove(p.prefix)
	p.until("the path is gone", func() (bool, error) { n, err := rules(); return n == 0, err })
}

func byHTTPRoute(p place) {
	p.challenge(cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{
		GatewayHTTPRoute: &cmacme.ACMEChallengeSolverHTTP01GatewayHTTPRoute{
			ServiceType: corev1.ServiceTypeClusterIP,
			ParentRefs:  []gatewayv1.ParentReference{{Name: "nobodys", Kind: ptr.To[gatewayv1.Kind]("Gateway")}},
		},
	}}, map[string]string{"HTTPRoute": `{"spec":{"hostnames":["other.test"]}}`})
}

func byPod(p place) {
	solver := parts.HTTP01()
	solver.HTTP01.Ingress.PodTemplate = &cmacme.ACMEChallengeSolverHTTP01IngressPodTemplate{
		ACMEChallengeSolverHTTP01IngressPodObjectMeta: cmacme.ACMEChallengeSolverHTTP01IngressPodObjectMeta{Labels: map[string]string{"team": "web"}},
	}
	p.challenge(solver, map[string]string{"Pod": "", "Ingress": ""})
}

// CreateSecret makes a Secret unless another scene of the namespace has.
func (p place) CreateSecret(secret *corev1.Secret) error {
	_, err := p.Kube.CoreV1().Secrets(p.Namespace).Create(p.Context(), secret, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
