package annotations

import (
	"slices"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// place is a namespace with an issuer.
type place struct{ *suite.Space }

func here(t *testing.T) place {
	p := place{world.Space(t)}
	p.CA("ca")
	return p
}

// ingress makes one for NAME.test with the Secret NAME-tls.
func (p place) ingress(name string, annotations map[string]string) {
	p.Helper()
	ing := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations, Labels: map[string]string{"app": name}}}
	ing.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{name + ".test"}, SecretName: name + "-tls"}}
	ing.Spec.DefaultBackend = &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}}
	_, err := p.Kube.NetworkingV1().Ingresses(p.Namespace).Create(p.Context(), ing, metav1.CreateOptions{})
	p.Must(err)
}

func (p place) edit(name string, edit func(*networkingv1.Ingress)) {
	p.Helper()
	ingresses := p.Kube.NetworkingV1().Ingresses(p.Namespace)
	p.Must(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		ing, err := ingresses.Get(p.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		edit(ing)
		_, err = ingresses.Update(p.Context(), ing, metav1.UpdateOptions{})
		return err
	}))
}

func (p place) annotate(name, key, value string) {
	p.Helper()
	p.edit(name, func(ing *networkingv1.Ingress) {
		if value == "" {
			delete(ing.Annotations, key)
		} else {
			metav1.SetMetaDataAnnotation(&ing.ObjectMeta, key, value)
		}
	})
}

// From an annotated Ingress to a Secret, in step with every annotation, until
// the Ingress goes and takes the Certificate with it.
func TestTheLifeOfAnIngress(t *testing.T) {
	p := here(t)
	p.ingress("web", map[string]string{"cert-manager.io/issuer": "ca"})
	p.Ready("web-tls")
	if b := p.Bundle("web-tls"); !slices.Equal(b.Leaf.DNSNames, []string{"web.test"}) {
		t.Errorf("the certificate is for %v", b.Leaf.DNSNames)
	}
	for _, row := range []struct {
		key, value string
		has        func(crt *cmapi.Certificate) bool
	}{
		{"cert-manager.io/common-name", "web.test", func(c *cmapi.Certificate) bool { return c.Spec.CommonName == "web.test" }},
		{"cert-manager.io/alt-names", "www.test,api.test", func(c *cmapi.Certificate) bool { return len(c.Spec.DNSNames) == 3 }},
		{"cert-manager.io/ip-sans", "192.0.2.7", func(c *cmapi.Certificate) bool { return slices.Equal(c.Spec.IPAddresses, []string{"192.0.2.7"}) }},
		{"cert-manager.io/email-sans", "team@web.test", func(c *cmapi.Certificate) bool { return len(c.Spec.EmailAddresses) == 1 }},
		{"cert-manager.io/subject-organizations", `"Web, Inc."`, func(c *cmapi.Certificate) bool {
			return c.Spec.Subject != nil && slices.Equal(c.Spec.Subject.Organizations, []string{"Web, Inc."})
		}},
		{"cert-manager.io/duration", "72h", func(c *cmapi.Certificate) bool { return c.Spec.Duration != nil && c.Spec.Duration.Hours() == 72 }},
		{"cert-manager.io/renew-before-percentage", "20", func(c *cmapi.Certificate) bool {
			return c.Spec.RenewBeforePercentage != nil && *c.Spec.RenewBeforePercentage == 20
		}},
		{"cert-manager.io/usages", "digital signature,server auth", func(c *cmapi.Certificate) bool { return slices.Contains(c.Spec.Usages, "server auth") }},
		{"cert-manager.io/revision-history-limit", "3", func(c *cmapi.Certificate) bool {
			return c.Spec.RevisionHistoryLimit != nil && *c.Spec.RevisionHistoryLimit == 3
		}},
		{"cert-manager.io/private-key-algorithm", "ECDSA", func(c *cmapi.Certificate) bool {
			return c.Spec.PrivateKey != nil && c.Spec.PrivateKey.Algorithm == "ECDSA"
		}},
		{"cert-manager.io/secret-template", `{"labels":{"tier":"front"}}`, func(c *cmapi.Certificate) bool { return c.Spec.SecretTemplate != nil }},
		{"acme.cert-manager.io/http01-ingress-class", "nginx", func(c *cmapi.Certificate) bool {
			return c.Annotations["acme.cert-manager.io/http01-override-ingress-class"] == "nginx"
		}},
		{"team.test/cost", "42", func(c *cmapi.Certificate) bool { return c.Annotations["team.test/cost"] == "42" }},
	} {
		p.annotate("web", row.key, row.value)
		p.Await("web-tls", row.has)
	}
	p.Await("web-tls", func(c *cmapi.Certificate) bool { return harness.Ready(c) && c.Labels["app"] == "web" })
	b := p.Bundle("web-tls")
	if got := b.Leaf.Subject; got.CommonName != "web.test" || !slices.Equal(got.Organization, []string{"Web, Inc."}) || len(b.Leaf.IPAddresses) != 1 || len(b.Leaf.EmailAddresses) != 1 {
		t.Errorf("the certificate is for %v, %v, %v", got, b.Leaf.IPAddresses, b.Leaf.EmailAddresses)
	}
	p.annotate("web", "cert-manager.io/ip-sans", "")
	p.Await("web-tls", func(c *cmapi.Certificate) bool { return len(c.Spec.IPAddresses) == 0 })
	p.edit("web", func(ing *networkingv1.Ingress) { ing.Spec.TLS[0].SecretName = "new-tls" })
	p.Ready("new-tls")
	ctx, cancel := p.Within()
	defer cancel()
	p.Must(p.Certificates().UntilGone(ctx, p.Namespace, "web-tls"))
	p.Must(p.Kube.NetworkingV1().Ingresses(p.Namespace).Delete(p.Context(), "web", metav1.DeleteOptions{}))
	p.Must(p.Certificates().UntilGone(ctx, p.Namespace, "new-tls"))
}

func TestTheDefaultIssuer(t *testing.T) {
	p := here(t)
	p.ingress("web", map[string]string{"kubernetes.io/tls-acme": "true"})
	p.Ready("web-tls")
}

// A mistake is told on the Ingress, and what works goes on.
func TestMistakes(t *testing.T) {
	p := here(t)
	p.ingress("web", map[string]string{"cert-manager.io/issuer": "ca"})
	before := p.Ready("web-tls")
	p.annotate("web", "cert-manager.io/duration", "90d")
	p.AwaitEvent("web", "BadConfig", `metadata.annotations[cert-manager.io/duration]: "90d" is not a duration: write for example 2160h`)
	p.annotate("web", "cert-manager.io/duration", "")
	p.annotate("web", "cert-manager.io/cluster-issuer", "ca")
	p.AwaitEvent("web", "BadConfig", "metadata.annotations[cert-manager.io/issuer]: it contradicts cert-manager.io/cluster-issuer")
	p.annotate("web", "cert-manager.io/cluster-issuer", "")
	p.annotate("web", "cert-manager.io/secret-template", `{"label":{}}`)
	p.AwaitEvent("web", "BadConfig", "it is not the JSON of a Secret template")
	p.edit("web", func(ing *networkingv1.Ingress) {
		delete(ing.Annotations, "cert-manager.io/secret-template")
		ing.Spec.TLS = append(ing.Spec.TLS, networkingv1.IngressTLS{SecretName: "empty-tls"}, networkingv1.IngressTLS{Hosts: []string{"x.test"}})
	})
	p.AwaitEvent("web", "BadConfig", "spec.tls[1].hosts: this entry is passed over")
	p.AwaitEvent("web", "BadConfig", "spec.tls[2].secretName: this entry is passed over")
	if after := p.Get("web-tls"); after.Generation != before.Generation || after.UID != before.UID {
		t.Errorf("the Certificate was changed: %+v", after.Spec)
	}
}

// What somebody else made is left alone.
func TestForeignCertificates(t *testing.T) {
	p := here(t)
	p.Issue("web-tls", suite.IssuerRef("ca"))
	before := p.Get("web-tls")
	p.ingress("web", map[string]string{"cert-manager.io/issuer": "ca"})
	p.AwaitEvent("web", "BadConfig", `Certificate "web-tls" was not made for an annotation and is left alone`)
	if after := p.Get("web-tls"); after.Generation != before.Generation || len(after.OwnerReferences) > 0 {
		t.Errorf("it was changed: %+v", after)
	}
}

// Two Ingresses with one Secret: one Certificate, which outlives either.
func TestSharers(t *testing.T) {
	p := here(t)
	for _, name := range []string{"one", "two"} {
		p.ingress(name, map[string]string{"cert-manager.io/issuer": "ca"})
		p.edit(name, func(ing *networkingv1.Ingress) { ing.Spec.TLS[0].SecretName = "shared-tls" })
	}
	crt := p.Await("shared-tls", func(c *cmapi.Certificate) bool {
		return harness.Ready(c) && len(c.Spec.DNSNames) == 2 && len(c.OwnerReferences) == 2
	})
	p.Must(p.Kube.NetworkingV1().Ingresses(p.Namespace).Delete(p.Context(), metav1.GetControllerOf(crt).Name, metav1.DeleteOptions{}))
	after := p.Await("shared-tls", func(c *cmapi.Certificate) bool { return len(c.Spec.DNSNames) == 1 && len(c.OwnerReferences) == 1 })
	if after.UID != crt.UID || metav1.GetControllerOf(after) == nil {
		t.Errorf("it was made anew, or has nobody: %+v", after.ObjectMeta)
	}
}
