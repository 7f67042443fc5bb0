package signingrequests

import (
	"context"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/issuers"

	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// toldBackend is a backend that only keeps what it was told.
type toldBackend struct {
	issuers.Backend
	request issuers.Request
}

func (b *toldBackend) Sign(_ context.Context, r issuers.Request) (issuers.Outcome, error) {
	b.request = r
	return issuers.Wait("OrderPending", "Waiting for an Order"), nil
}

// A backend that makes something on a request's behalf is told in whose name,
// and where: a Kubernetes request has no namespace, so it is the issuer's.
func TestWhatABackendIsTold(t *testing.T) {
	t.Parallel()
	for signer, want := range map[string]struct{ kind, namespace string }{
		issuerSigner: {"Issuer", namespace}, clusterSigner: {"ClusterIssuer", clusterNamespace},
	} {
		w := newWorld(t, request(t, signer, func(csr *certificatesv1.CertificateSigningRequest) {
			csr.UID, csr.Labels = "uid-web", map[string]string{"team": "shop"}
			csr.Spec.ExpirationSeconds = ptr.To(int32(3600))
		}))
		b := &toldBackend{}
		w.handler.Signers[issuers.CA] = b
		w.issuer(namespace, "ca", caOf("pair"), true)
		w.issuer("", "ca", caOf("pair"), true)
		if err := w.handle(); err != nil {
			t.Fatal(err)
		}
		got := b.request
		if got.Namespace != want.namespace || got.Issuer.Kind != want.kind || got.Issuer.Namespace != want.namespace || got.Issuer.Object == nil || !got.Experimental {
			t.Errorf("%s: told %+v", signer, got)
		}
		owner := metav1.OwnerReference{APIVersion: "certificates.k8s.io/v1", Kind: "CertificateSigningRequest", Name: name, UID: "uid-web", Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true)}
		if diff := cmp.Diff(owner, got.Owner); diff != "" {
			t.Errorf("%s: owner %s", signer, diff)
		}
		if ref := (cmmeta.IssuerReference{Group: "cert-manager.io", Kind: want.kind, Name: "ca"}); got.IssuerRef != ref {
			t.Errorf("%s: issuerRef %+v", signer, got.IssuerRef)
		}
		if got.Duration == nil || got.Duration.Duration != time.Hour || got.Labels["team"] != "shop" {
			t.Errorf("%s: duration %v, labels %v", signer, got.Duration, got.Labels)
		}
	}
}
