package informers

import (
	"context"
	"testing"

	"github.com/certwright/certwright/queue"

	"github.com/google/go-cmp/cmp"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	shopSigner   = "issuers.cert-manager.io/shop.ca"
	publicSigner = "clusterissuers.cert-manager.io/ca"
)

func signing(o *Options) { o.SigningRequests = true }

func signingKeyOf(name string) queue.Key { return queue.Key{Kind: queue.SigningRequest, Name: name} }

// signingRequestOf is one that nobody has decided on.
func signingRequestOf(name, signer string) *certificatesv1.CertificateSigningRequest {
	return &certificatesv1.CertificateSigningRequest{
		ObjectMeta: named("", name),
		Spec:       certificatesv1.CertificateSigningRequestSpec{SignerName: signer, Request: []byte("csr"), Username: "alice"}}
}

func decided(csr *certificatesv1.CertificateSigningRequest, kind certificatesv1.RequestConditionType) *certificatesv1.CertificateSigningRequest {
	csr = csr.DeepCopy()
	csr.Status.Conditions = append(csr.Status.Conditions,
		certificatesv1.CertificateSigningRequestCondition{Type: kind, Status: corev1.ConditionTrue})
	return csr
}

func signed(csr *certificatesv1.CertificateSigningRequest) *certificatesv1.CertificateSigningRequest {
	csr = decided(csr, certificatesv1.CertificateApproved)
	csr.Status.Certificate = []byte("chain")
	return csr
}

func selfKeyed(csr *certificatesv1.CertificateSigningRequest, secretName string) *certificatesv1.CertificateSigningRequest {
	csr.Annotations = map[string]string{"experimental.cert-manager.io/private-key-secret-name": secretName}
	return csr
}

func TestRoutesOfSigningRequests(t *testing.T) {
	ours, theirs := signingRequestOf("web", shopSigner), signingRequestOf("node", "kubernetes.io/kubelet-serving")
	waiting := []object{
		ours,
		decided(signingRequestOf("approved", shopSigner), certificatesv1.CertificateApproved),
		signingRequestOf("public", publicSigner),
		signingRequestOf("other", "issuers.cert-manager.io/bank.ca"),
		signed(signingRequestOf("signed", shopSigner)),
		decided(signingRequestOf("denied", shopSigner), certificatesv1.CertificateDenied),
		decided(signingRequestOf("failed", shopSigner), certificatesv1.CertificateFailed),
		selfKeyed(signingRequestOf("keyed", "issuers.cert-manager.io/shop.self"), "key"),
		selfKeyed(signingRequestOf("public-keyed", "clusterissuers.cert-manager.io/self"), "key"),
		theirs,
	}
	ca, public := issuer("shop", "ca", "ca-tls"), clusterIssuer("ca", "ca-tls")
	all := append([]object{ca, public}, waiting...)
	testRoutes(t, []routeRow{
		{"created", nil, put(ours), []queue.Key{signingKeyOf("web")}},
		{"created for another signer", nil, put(theirs), nil},
		{"approved", []object{ours}, put(decided(ours, certificatesv1.CertificateApproved)), []queue.Key{signingKeyOf("web")}},
		{"signed", []object{ours}, put(signed(ours)), []queue.Key{signingKeyOf("web")}},
		{"signed for another signer", []object{theirs}, put(signed(theirs)), nil},
		{"changed when signed", []object{signed(ours)}, put(signed(selfKeyed(ours.DeepCopy(), "x"))), nil},
		{"deleted", []object{ours}, remove(ours), []queue.Key{signingKeyOf("web")}},
		{"deleted when signed", []object{signed(ours)}, remove(ours), nil},
		{"its Issuer", waiting, put(ca), []queue.Key{issuerKey("ca"), signingKeyOf("web"), signingKeyOf("approved")}},
		{"its ClusterIssuer", waiting, put(public), []queue.Key{clusterIssuerKey("ca"), signingKeyOf("public")}},
		{"its Issuer's Secret", all, put(foreignSecret("shop", "ca-tls")),
			[]queue.Key{issuerKey("ca"), signingKeyOf("web"), signingKeyOf("approved")}},
		{"its ClusterIssuer's Secret", all, put(ownSecret("kube-system", "ca-tls")),
			[]queue.Key{clusterIssuerKey("ca"), signingKeyOf("public")}},
		{"its key", waiting, put(foreignSecret("shop", "key")), []queue.Key{signingKeyOf("keyed")}},
		{"its key among those for cluster resources", waiting, put(foreignSecret("kube-system", "key")),
			[]queue.Key{signingKeyOf("public-keyed")}},
		{"a key elsewhere", waiting, put(foreignSecret("bank", "key")), nil},
	}, signing)
}

// Of what is not our business the cache has the name only, of the rest all
// that a status update sends.
func TestSigningRequestsInTheCache(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		ours, theirs, done := signingRequestOf("web", shopSigner), signingRequestOf("node", "kubernetes.io/kubelet-serving"), signingRequestOf("done", shopSigner)
		c.put(dressed(ours), dressed(theirs), dressed(signed(done)))
		set, _ := c.watched(signing)
		want := dressed(ours).DeepCopy()
		want.ManagedFields, want.ResourceVersion = nil, "1"
		if diff := cmp.Diff(want, set.SigningRequest("web")); diff != "" {
			t.Errorf("of ours (-want +got):\n%s", diff)
		}
		for name, version := range map[string]string{"node": "2", "done": "3"} {
			stub := &certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{
				Name: name, UID: named("", name).UID, ResourceVersion: version}}
			if diff := cmp.Diff(stub, set.SigningRequest(name)); diff != "" {
				t.Errorf("of %s (-want +got):\n%s", name, diff)
			}
		}
		if set.SigningRequest("nobody") != nil {
			t.Error("one that does not exist is there")
		}
	})
}

// They are watched when asked for, and never by who is confined to namespaces.
func TestSigningRequestsAreNotAlwaysWatched(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){
		"not asked for": func(*Options) {},
		"confined":      func(o *Options) { o.SigningRequests, o.Namespaces = true, []string{"shop"} },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, c *cluster) {
				c.put(signingRequestOf("web", shopSigner))
				set, woken := c.watched(change)
				c.put(signingRequestOf("api", shopSigner), issuer("shop", "ca", "ca-tls"), foreignSecret("shop", "ca-tls"))
				if diff := woken.DiffKeys(issuerKey("ca")); diff != "" {
					t.Errorf("keys (-want +got):\n%s", diff)
				}
				if set.SigningRequest("web") != nil {
					t.Error("one is in the cache")
				}
				for _, a := range c.core.Actions() {
					if a.GetResource().Resource == "certificatesigningrequests" {
						t.Errorf("asked for them: %s", a.GetVerb())
					}
				}
			})
		})
	}
}

// All else goes on where they cannot be watched.
func TestSigningRequestsHoldNothingUp(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		o := c.options()
		signing(&o)
		o.Served = func(_ context.Context, r schema.GroupVersionResource) (bool, error) {
			return r.Resource != "certificatesigningrequests", nil
		}
		c.put(issuer("shop", "ca", "ca-tls"))
		set := New(o)
		woken := recorderOf(set)
		c.run(set)
		if !set.Synced() {
			t.Error("not synced")
		}
		if diff := cmp.Diff([]schema.GroupVersionResource{certificatesv1.SchemeGroupVersion.WithResource("certificatesigningrequests")}, set.Missing()); diff != "" {
			t.Errorf("missing (-want +got):\n%s", diff)
		}
		if diff := woken.DiffKeys(issuerKey("ca")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}
