package http01

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/adler32"
	"maps"
	"net/netip"
	"strconv"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// prefix begins the names of all that is made (contract, section 1.4).
const prefix = "cm-acme-http-solver"

// plan is what the solver of a challenge asks for.
type plan struct {
	ch          *cmacme.Challenge
	ingress     *cmacme.ACMEChallengeSolverHTTP01Ingress          // this one
	gateway     *cmacme.ACMEChallengeSolverHTTP01GatewayHTTPRoute // or that
	template    *cmacme.ACMEChallengeSolverHTTP01IngressPodTemplate
	serviceType corev1.ServiceType
	// pod is true when a pod of the challenge's own answers.
	pod bool
	// first is true when nothing of the challenge's own is there yet, as far as
	// can be told.
	first  bool
	labels map[string]string
}

// planFor reads a challenge's solver. Errors: a [challenges.Fault] that says
// what in it cannot be.
func planFor(ch *cmacme.Challenge, s Settings) (plan, error) {
	p := plan{ch: ch}
	http := ch.Spec.Solver.HTTP01
	switch {
	case ch.Spec.Wildcard:
		return p, challenges.Faulty("spec.wildcard: HTTP-01 cannot prove *.%s, for no server is asked for all names; give the issuer a DNS-01 solver for it", ch.Spec.DNSName)
	case http == nil || http.Ingress == nil && http.GatewayHTTPRoute == nil:
		return p, challenges.Faulty("spec.solver.http01: neither ingress nor gatewayHTTPRoute is set; set one of them in the issuer's solver")
	case http.Ingress != nil && http.GatewayHTTPRoute != nil:
		return p, challenges.Faulty("spec.solver.http01: ingress and gatewayHTTPRoute are both set; take one of them out of the issuer's solver")
	case http.Ingress != nil:
		p.ingress, p.template, p.serviceType = http.Ingress, http.Ingress.PodTemplate, http.Ingress.ServiceType
	default:
		p.gateway, p.template, p.serviceType = http.GatewayHTTPRoute, http.GatewayHTTPRoute.PodTemplate, http.GatewayHTTPRoute.ServiceType
	}
	switch p.serviceType {
	case "":
		p.serviceType = corev1.ServiceTypeNodePort // the contract's default, which load balancers outside the cluster need
	case corev1.ServiceTypeNodePort, corev1.ServiceTypeClusterIP:
	default:
		return p, challenges.Faulty("spec.solver.http01: serviceType %q does not fit; write NodePort or ClusterIP in the issuer's solver", p.serviceType)
	}
	if p.gateway != nil && len(p.gateway.ParentRefs) == 0 {
		return p, challenges.Faulty("spec.solver.http01.gatewayHTTPRoute.parentRefs: no Gateway is named; name the one that serves %s on port 80 in the issuer's solver", ch.Spec.DNSName)
	}
	p.pod = s.Pods || hasContent(p.template)
	p.labels = ownLabels(ch, s.Labels)
	return p, nil
}

// hasContent reports a podTemplate that says something: an empty one may come
// of a template engine, and asks for nothing.
func hasContent(t *cmacme.ACMEChallengeSolverHTTP01IngressPodTemplate) bool {
	return t != nil && !equality.Semantic.DeepEqual(*t, cmacme.ACMEChallengeSolverHTTP01IngressPodTemplate{})
}

// name is that of everything of the challenge's own.
func (p plan) name() string {
	sum := sha256.Sum256([]byte(p.ch.UID))
	return prefix + "-" + hex.EncodeToString(sum[:5])
}

// shared names the Service that leads to the daemon. There is one for each type
// that is asked for, since a Service has one.
func (p plan) shared() string {
	if p.serviceType == corev1.ServiceTypeClusterIP {
		return prefix + "-clusterip"
	}
	return prefix
}

// host is what a rule is for, in the spelling that the API takes; empty for an
// IP address, which no rule can name.
func (p plan) host() string {
	if _, err := netip.ParseAddr(p.ch.Spec.DNSName); err == nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(p.ch.Spec.DNSName, "."))
}

// ownLabels are those that others know solvers by (contract, section 1.4).
func ownLabels(ch *cmacme.Challenge, extra map[string]string) map[string]string {
	labels := maps.Clone(extra)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[cmacme.DomainLabelKey] = checksum(ch.Spec.DNSName)
	labels[cmacme.TokenLabelKey] = checksum(ch.Spec.Token)
	labels[cmacme.SolverIdentificationLabelKey] = "true"
	return labels
}

func checksum(text string) string {
	return strconv.FormatUint(uint64(adler32.Checksum([]byte(text))), 10)
}

// meta is the metadata of what is the challenge's own. That it blocks nobody's
// deletion spares the right to update the Challenge's finalizers.
func (p plan) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: p.name(), Namespace: p.ch.Namespace, Labels: maps.Clone(p.labels), Annotations: map[string]string{},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: cmacme.SchemeGroupVersion.String(), Kind: cmacme.ChallengeKind,
			Name: p.ch.Name, UID: p.ch.UID, Controller: ptr.To(true),
		}},
	}
}

// add puts what is not there yet, and leaves what is.
func add(to, from map[string]string) {
	for k, v := range from {
		if _, there := to[k]; !there {
			to[k] = v
		}
	}
}
