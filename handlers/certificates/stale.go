package certificates

import (
	"context"
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// staleCheck is after how long a cache is looked at again that was found to lag.
// Its event comes sooner; this is the net.
const staleCheck = time.Second

// stillDue looks at the target Secret at the API server before an issuance that
// costs something at a server begins, and reports whether it is due all the
// same: the cache of a new leader may show a Secret as it was before the last
// issuance, and then an order at a public CA would be spent on nothing.
func (h *Handler) stillDue(ctx context.Context, o *Observed) (bool, error) {
	if o.Path == Immediate || o.Path == KeyInSecret || o.Certificate.Status.Revision == nil {
		return true, nil
	}
	live, err := h.Cache.LiveSecret(ctx, o.Certificate.Namespace, o.Certificate.Spec.SecretName)
	if apierrors.IsNotFound(err) {
		live, err = nil, nil
	}
	if err != nil {
		return false, fmt.Errorf("read Secret %q before issuing anew: %w", o.Certificate.Spec.SecretName, err)
	}
	if sameState(live, o.Secret) {
		return true, nil
	}
	again := *o
	again.Secret, again.Stored = live, parseStored(live)
	if again, err = h.observeDress(ctx, again); err != nil {
		return false, err
	}
	switch Next(again, h.Clock.Now()).(type) {
	case KeepKey, Request:
		return true, nil
	default:
		return false, nil
	}
}

func sameState(a, b *corev1.Secret) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.UID == b.UID && a.ResourceVersion == b.ResourceVersion
}

// keptAlready reports whether a Secret is a key Secret of this Certificate that
// the cache does not show yet. The key made for another try is forgotten then:
// the kept one counts.
func (h *Handler) keptAlready(ctx context.Context, o *Observed, name string) (bool, error) {
	live, err := h.Cache.LiveSecret(ctx, o.Certificate.Namespace, name)
	if apierrors.IsNotFound(err) {
		return true, nil // gone again
	}
	if err != nil {
		return false, fmt.Errorf("read Secret %q with the next private key: %w", name, err)
	}
	owner := metav1.GetControllerOf(live)
	ours := owner != nil && owner.UID == o.Certificate.UID && live.Labels[cmapi.IsNextPrivateKeySecretLabelKey] == "true"
	if ours {
		h.memory.drop(o.Certificate)
	}
	return ours, nil
}
