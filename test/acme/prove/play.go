package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	gatewayapi "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/traefik"
	"github.com/certwright/certwright/test/harness"
)

// way is one way to prove a name.
type way struct {
	name   string
	solver cmacme.ACMEChallengeSolver
	names  []string
}

func (s *scene) ways(server string) []way {
	route := cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{
		GatewayHTTPRoute: &cmacme.ACMEChallengeSolverHTTP01GatewayHTTPRoute{
			ParentRefs: []gatewayapi.ParentReference{{Name: traefik.Gateway, Namespace: ptr.To(gatewayapi.Namespace("default"))}},
		},
	}}
	ingress := parts.HTTP01()
	ingress.HTTP01.Ingress.IngressClassName = ptr.To(traefik.IngressClass)
	dns := parts.RFC2136(s.dns)
	return []way{
		{"ingress", ingress, []string{"ingress." + server + ".http.test", "second." + server + ".http.test"}},
		{"gateway", route, []string{"gateway." + server + ".http.test"}},
		{"wildcard", dns, []string{"*." + server + ".dns.test", server + ".dns.test"}},
	}
}

// acmeServer is one of the two, as an issuer names it.
type acmeServer struct {
	name, directory string
	caBundle        []byte
	root            func(context.Context) (*x509.Certificate, error)
}

func (s *scene) servers() []acmeServer {
	return []acmeServer{
		{"pebble", s.pebble.Directory(), s.pebble.CABundle, func(ctx context.Context) (*x509.Certificate, error) { return s.pebble.Root(ctx, 0) }},
		{"step-ca", s.stepCA.Directory(), s.stepCA.CABundle(), func(context.Context) (*x509.Certificate, error) { return s.stepCA.Root.Certificate, nil }},
	}
}

// play has every server issue in every way, one after the other, so that the
// time of each is told.
func (s *scene) play(ctx context.Context) error {
	issued := map[string]int{}
	for _, server := range s.servers() {
		for _, way := range s.ways(server.name) {
			began := time.Now()
			if err := s.issue(ctx, server, way); err != nil {
				return fmt.Errorf("%s by %s: %w", server.name, way.name, err)
			}
			issued[way.name]++
			s.progress.Line("   %-8s %-9s %-40s %s", server.name, way.name, strings.Join(way.names, " "), harness.Elapsed(time.Since(began)))
		}
	}
	left, err := s.left(ctx)
	if err != nil {
		return err
	}
	total := issued["ingress"] + issued["gateway"] + issued["wildcard"]
	s.progress.Line("servers %d certificates %d http01-ingress %d http01-gateway %d dns01-wildcard %d issued %d left-behind %d",
		len(s.servers()), len(s.servers())*3, issued["ingress"], issued["gateway"], issued["wildcard"], total, len(left))
	if len(left) > 0 {
		return fmt.Errorf("left behind: %s", strings.Join(left, ", "))
	}
	return nil
}

func (s *scene) issue(ctx context.Context, server acmeServer, w way) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	name, api := server.name+"-"+w.name, s.stage.Clients.CertManager.CertmanagerV1()
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	issuer.Spec.ACME = &cmacme.ACMEIssuer{
		Server: server.directory, CABundle: server.caBundle, Solvers: []cmacme.ACMEChallengeSolver{w.solver},
		PrivateKey: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: name + "-account"}},
	}
	if _, err := api.Issuers(namespace).Create(ctx, issuer, metav1.CreateOptions{}); err != nil {
		return err
	}
	crt := &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	crt.Spec = cmapi.CertificateSpec{
		SecretName: name, DNSNames: w.names, IssuerRef: cmmeta.IssuerReference{Name: name},
		PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm},
	}
	if _, err := api.Certificates(namespace).Create(ctx, crt, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := s.stage.Clients.Certificates().Until(ctx, namespace, name, harness.Ready); err != nil {
		return fmt.Errorf("%w\n%s", err, s.state())
	}
	return s.verify(ctx, server, name, w.names)
}

// verify looks at the certificate as a client does that trusts the server's root.
func (s *scene) verify(ctx context.Context, server acmeServer, name string, names []string) error {
	secret, err := s.stage.Clients.Kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	root, err := server.root(ctx)
	if err != nil {
		return err
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	block, rest := pem.Decode(secret.Data[corev1.TLSCertKey])
	if block == nil {
		return errors.New("tls.crt holds no certificate")
	}
	between.AppendCertsFromPEM(rest)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	for _, name := range names {
		name = strings.Replace(name, "*", "any", 1)
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: name}); err != nil {
			return err
		}
	}
	return nil
}

// left waits until nothing is left of any proof, and returns what stays.
func (s *scene) left(ctx context.Context) (left []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if left, err = s.leftNow(ctx); err != nil || len(left) == 0 {
			return left, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return left, nil
		}
	}
}

// remains are the kinds of what a proof puts into a namespace.
var remains = []schema.GroupVersionResource{
	{Group: "acme.cert-manager.io", Version: "v1", Resource: "challenges"},
	{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"},
	{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"},
	{Version: "v1", Resource: "services"},
	{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"},
}

func (s *scene) leftNow(ctx context.Context) ([]string, error) {
	left, err := s.dns.TXT()
	if err != nil {
		return nil, err
	}
	for _, resource := range remains {
		list, err := s.stage.Clients.Dynamic.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		for _, item := range list.Items {
			left = append(left, resource.Resource+"/"+item.GetName())
		}
	}
	return left, nil
}

// state shows the Orders and Challenges, for an error.
func (s *scene) state() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var out strings.Builder
	acme := s.stage.Clients.CertManager.AcmeV1()
	if orders, err := acme.Orders(namespace).List(ctx, metav1.ListOptions{}); err == nil {
		for i := range orders.Items {
			out.WriteString(harness.Show(&orders.Items[i]))
		}
	}
	if challenges, err := acme.Challenges(namespace).List(ctx, metav1.ListOptions{}); err == nil {
		for i := range challenges.Items {
			out.WriteString(harness.Show(&challenges.Items[i]))
		}
	}
	return out.String()
}
