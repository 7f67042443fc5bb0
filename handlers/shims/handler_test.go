package shims

import (
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const created = `Ingress/web Normal CreateCertificate: Successfully created Certificate "web-tls"`

func hosts(names ...string) []string { return names }

// Who asks for nothing gets nothing, and nothing of his is touched.
func TestWhoDoesNotAsk(t *testing.T) {
	t.Parallel()
	for name, annotations := range map[string][]string{
		"no annotation":      nil,
		"another annotation": {"cert-manager.io/duration", "48h"},
		"tls-acme is false":  {"kubernetes.io/tls-acme", "false"},
		"tls-acme is no":     {"kubernetes.io/tls-acme", "perhaps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.ingress("web", "web-tls", hosts("web.test"), annotations...)
			w.put(wanted("web-tls", "web", "other.test"))
			w.settle()
			w.expect(nil)
		})
	}
}

func TestTheDefaultIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ingress("web", "web-tls", hosts("web.test"), "kubernetes.io/tls-acme", "true")
	w.settle()
	w.expect(nil, "Ingress/web Warning BadConfig: metadata.annotations[cert-manager.io/issuer]: it is missing, and there is no default issuer: add it or cert-manager.io/cluster-issuer, or start certwright with --default-issuer-name")
	w.settings.Issuer.Name, w.settings.Issuer.Kind = "le", "ClusterIssuer"
	w.restart()
	w.settle()
	w.expect([]string{"create web-tls"}, created)
	want := wanted("web-tls", "web", "web.test")
	want.Spec.IssuerRef.Name, want.Spec.IssuerRef.Kind = "le", "ClusterIssuer"
	w.has(want)
}

func TestTheEmptyIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ingress("web", "web-tls", hosts("web.test"), "cert-manager.io/cluster-issuer", "")
	w.settle()
	w.expect(nil, "Ingress/web Warning BadConfig: metadata.annotations[cert-manager.io/cluster-issuer]: it is empty: name an issuer")
}

func TestSeveralEntries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ing := w.ingress("web", "web-tls", hosts("web.test", "192.0.2.1"), byIssuer()...)
	ing.Spec.TLS = append(ing.Spec.TLS,
		networkingv1.IngressTLS{SecretName: "api-tls", Hosts: hosts("*.api.test")},
		networkingv1.IngressTLS{SecretName: "web-tls", Hosts: hosts("www.test", "web.test")},
		networkingv1.IngressTLS{SecretName: "no-hosts"}, networkingv1.IngressTLS{Hosts: hosts("x.test")})
	w.settle()
	w.expect([]string{"create web-tls", "create api-tls"},
		created, `Ingress/web Normal CreateCertificate: Successfully created Certificate "api-tls"`,
		"Ingress/web Warning BadConfig: spec.tls[3].hosts: this entry is passed over: list the names that the certificate is for",
		"Ingress/web Warning BadConfig: spec.tls[4].secretName: this entry is passed over: name the Secret that the certificate goes into")
	want := wanted("web-tls", "web", "web.test", "www.test")
	want.Spec.IPAddresses = hosts("192.0.2.1")
	w.has(want)
	w.has(wanted("api-tls", "web", "*.api.test"))

	// An entry without a Secret may have been the one of api-tls.
	ing.Spec.TLS = []networkingv1.IngressTLS{ing.Spec.TLS[0], ing.Spec.TLS[4]}
	w.settle()
	w.expect([]string{"patch web-tls"}, `Ingress/web Normal UpdateCertificate`, "Ingress/web Warning BadConfig: spec.tls[1].secretName")
	ing.Spec.TLS = ing.Spec.TLS[:1]
	w.settle()
	w.expect([]string{"delete api-tls"}, `Ingress/web Normal DeleteCertificate: Successfully deleted unrequired Certificate "api-tls"`)
}

// A bad host is told with its field, and the other entries go on.
func TestABadHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ing := w.ingress("web", "web-tls", hosts("web.test"), byIssuer()...)
	ing.Spec.TLS = append(ing.Spec.TLS, networkingv1.IngressTLS{SecretName: "bad-tls", Hosts: hosts("bad name")})
	w.settle()
	w.expect([]string{"create web-tls"}, created, `Ingress/web Warning BadConfig: spec.tls[1].hosts: "bad name": `)
}

func TestLabels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ing := w.ingress("web", "web-tls", hosts("web.test"), byIssuer()...)
	ing.Labels = map[string]string{"app": "web", "applyset.kubernetes.io/part-of": "set"}
	w.settle()
	want := wanted("web-tls", "web", "web.test")
	want.Labels = map[string]string{"app": "web"}
	w.has(want)
	ing.Labels = map[string]string{"tier": "front"}
	w.settle()
	want.Labels = map[string]string{"tier": "front"}
	w.has(want)
	if len(ing.Labels) != 1 {
		t.Error("the cached Ingress was changed")
	}
}

// What annotations cannot say is the user's to add to a Certificate.
func TestWhatIsTheUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ing := w.ingress("web", "web-tls", hosts("web.test"), byIssuer()...)
	w.settle()
	crt := w.crts["web-tls"].DeepCopy()
	crt.Annotations = map[string]string{"team.test/note": "ours", "cert-manager.io/issue-temporary-certificate": "true"}
	crt.Finalizers = []string{"team.test/hold"}
	crt.OwnerReferences = append(crt.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "team", UID: "uid-of-team"})
	crt.Spec.Keystores = &cmapi.CertificateKeystores{JKS: &cmapi.JKSKeystore{Create: true}}
	crt.Spec.PrivateKey = &cmapi.CertificatePrivateKey{}
	crt.Spec.IssuerRef = w.crts["web-tls"].Spec.IssuerRef
	crt.Spec.IssuerRef.Group = ""
	w.put(crt.DeepCopy())
	w.expect([]string{"create web-tls"}, created)
	w.settle()
	w.expect(nil)
	ing.Annotations["cert-manager.io/duration"] = "48h"
	w.settle()
	w.expect([]string{"patch web-tls"}, "Ingress/web Normal UpdateCertificate")
	crt.Spec.Duration = &metav1.Duration{Duration: 48 * time.Hour}
	w.has(crt)
	if ing.Annotations["cert-manager.io/duration"] != "48h" {
		t.Error("the cached Ingress was changed")
	}
}

// What annotations can say is put back, promptly three times and then ever more
// slowly.
func TestAQuarrel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ingress("web", "web-tls", hosts("web.test"), byIssuer()...)
	w.settle()
	w.expect([]string{"create web-tls"}, created)
	patches := 0
	for second := range 3600 {
		w.clock.SetTime(now.Add(time.Duration(second) * time.Second))
		crt := w.crts["web-tls"].DeepCopy()
		crt.Spec.CommonName = "other.test"
		w.put(crt)
		w.handle(queue.Ingress, "web")
		patches += len(w.writes)
		w.writes = nil
	}
	if patches < 10 || patches > 25 {
		t.Errorf("%d patches in an hour", patches)
	}
	if len(w.events) != 4 || !strings.Contains(w.events[3], `CertificateContested: somebody else keeps changing Certificate "web-tls"`) {
		t.Errorf("told %q", w.events)
	}
}

// What somebody else made is never touched.
func TestForeignCertificates(t *testing.T) {
	t.Parallel()
	yes := true
	for name, row := range map[string]struct {
		edit func(*cmapi.Certificate)
		want string
	}{
		"without an owner": {func(c *cmapi.Certificate) { c.OwnerReferences = nil },
			`spec.tls[0].secretName: Certificate "web-tls" was not made for an annotation and is left alone: name another Secret, or delete that Certificate`},
		"of another kind": {func(c *cmapi.Certificate) {
			c.OwnerReferences[0].Kind, c.OwnerReferences[0].APIVersion, c.OwnerReferences[0].UID = "Gateway", "gateway.networking.k8s.io/v1", "uid-of-gw"
		},
			`spec.tls[0].secretName: Certificate "web-tls" belongs to Gateway "web" and is left alone`},
		"of another Ingress": {func(c *cmapi.Certificate) {
			c.OwnerReferences = []metav1.OwnerReference{{APIVersion: "networking.k8s.io/v1", Kind: "Ingress", Name: "api", UID: "uid-of-api", Controller: &yes}}
		}, `spec.tls[0].secretName: Certificate "web-tls" belongs to Ingress "api" and is left alone`},
		"of a like-named kind": {func(c *cmapi.Certificate) {
			c.OwnerReferences[0].APIVersion = "config.example.com/v1"
		}, `spec.tls[0].secretName: Certificate "web-tls" belongs to Ingress "web" and is left alone`},
		"another has the Secret": {func(c *cmapi.Certificate) { c.Name, c.OwnerReferences = "by-hand", nil },
			`spec.tls[0].secretName: Secret "web-tls" is kept by Certificate "by-hand" already, and none is made`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			crt := wanted("web-tls", "web", "theirs.test")
			row.edit(crt)
			w.put(crt.DeepCopy())
			w.ingress("web", "web-tls", hosts("web.test"), byIssuer()...)
			w.settle()
			w.expect(nil, "Ingress/web Warning BadConfig: "+row.want)
			// Nor is it deleted when the Ingress asks for something else.
			w.ingresses["web"].Spec.TLS[0].SecretName = "new-tls"
			w.settle()
			w.expect([]string{"create new-tls"}, "Ingress/web Normal CreateCertificate")
			w.has(crt)
		})
	}
}

// An Ingress made anew takes over what its namesake had.
func TestANamesake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	crt := wanted("web-tls", "web", "web.test")
	crt.OwnerReferences[0].UID = "uid-before"
	w.put(crt)
	w.ingress("web", "web-tls", hosts("web.test"), byIssuer()...)
	w.settle()
	w.expect([]string{"patch web-tls"}, "Ingress/web Normal UpdateCertificate")
	w.has(wanted("web-tls", "web", "web.test"))
}

func TestLeaving(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*networkingv1.Ingress){
		"deleted":    func(i *networkingv1.Ingress) { i.DeletionTimestamp = &metav1.Time{Time: now} },
		"foreground": func(i *networkingv1.Ingress) { i.Finalizers = []string{"foregroundDeletion"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			edit(w.ingress("web", "web-tls", hosts("web.test"), byIssuer()...))
			w.settle()
			w.expect(nil)
		})
	}
}

// Nothing is decided on half a cache.
func TestCachesThatFill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unsynced = true
	w.ingress("web", "web-tls", hosts("web.test"), byIssuer()...)
	if r := w.handle(queue.Ingress, "web"); r.After != time.Second {
		t.Errorf("comes back after %s", r.After)
	}
	w.expect(nil)
}

// A refusal of the API server is told; it is not tried until something changes.
func TestARefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ingress("web", "web-tls", hosts("web.test"), byIssuer()...)
	w.refuse = errors.NewInvalid(cmapi.SchemeGroupVersion.WithKind("Certificate").GroupKind(), "web-tls", field.ErrorList{field.Invalid(field.NewPath("spec", "duration"), "1h", "a policy says no")})
	for range 3 {
		w.handleAll()
	}
	w.expect([]string{"create web-tls", "create web-tls", "create web-tls"}, `Ingress/web Warning BadConfig: the API server refuses the Certificate: `)
}
