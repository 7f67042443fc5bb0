package certificates

import (
	"context"
	"crypto"
	"fmt"

	"github.com/certwright/certwright/internal/apply"
	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/internal/tracing"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func (h *Handler) perform(ctx context.Context, o *Observed, step Step) (queue.Result, error) {
	switch s := step.(type) {
	case Rest:
		return queue.Result{After: s.After}, nil
	case Settle:
		return queue.Result{}, h.settle(ctx, o, s)
	case KeepKey:
		return h.keepKey(ctx, o, s)
	case Request:
		return h.request(ctx, o, s)
	case Discard:
		return queue.Result{}, h.discard(ctx, o, s.Request)
	case Store:
		return queue.Result{}, h.store(ctx, o, s.Request)
	case Temporize:
		return queue.Result{}, h.temporize(ctx, o)
	case Redress:
		_, err := apply.Secret(ctx, h.Secrets, o.Wanted)
		return queue.Result{}, err
	case Revoke:
		return h.revoke(o, s), nil
	case Guard:
		return queue.Result{}, h.guard(ctx, o.Certificate, s)
	case Inquire:
		return h.inquire(ctx, o)
	case Drop:
		return queue.Result{}, h.drop(ctx, s.Secret)
	}
	return queue.Result{}, fmt.Errorf("no effect is known for step %T", step)
}

func (h *Handler) settle(ctx context.Context, o *Observed, s Settle) error {
	crt := o.Certificate
	if _, err := h.Client.Certificates(crt.Namespace).UpdateStatus(ctx, s.Certificate, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("write status of the Certificate: %w", err)
	}
	h.inquiries.stored(keyOf(crt), o.Renewal)
	if s.Event != nil {
		h.Events.Event(crt, s.Event.Type, s.Event.Reason, s.Event.Message)
	}
	switch {
	case s.Issued:
		h.ended(o, false)
		h.memory.end(crt, h.Clock.Now())
	case s.Failed:
		h.ended(o, true)
		h.memory.fail(crt, o.Next.UID)
		h.memory.drop(crt)
	}
	return nil
}

// nextKey is the key of the issuance under way; the first call makes it.
func (h *Handler) nextKey(ctx context.Context, o *Observed, mends bool) (crypto.Signer, error) {
	key := o.Key
	if key == nil {
		spec, err := pki.KeySpecOf(o.Certificate)
		if err != nil {
			return nil, err
		}
		measured := tracing.Measure(ctx, "generate key", tracing.String("certwright.key.algorithm", string(spec.Algorithm)))
		key, err = pki.GenerateKey(spec)
		measured(&err)
		if err != nil {
			return nil, fmt.Errorf("generate private key: %w", err)
		}
	}
	h.memory.begin(o.Certificate, key, mends, o.hurries(), h.Clock.Now())
	return key, nil
}

// keepKey writes PKCS#8, as the contract says (section 1.2).
func (h *Handler) keepKey(ctx context.Context, o *Observed, s KeepKey) (queue.Result, error) {
	if due, err := h.stillDue(ctx, o); err != nil || !due {
		return queue.Result{After: staleCheck}, err
	}
	key, err := h.nextKey(ctx, o, s.Mends)
	if err != nil {
		return queue.Result{}, err
	}
	keyPEM, err := pki.EncodeKey(key, cmapi.PKCS8)
	if err != nil {
		return queue.Result{}, err
	}
	crt := o.Certificate
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: crt.Namespace, Name: keySecretName(o), OwnerReferences: ownedBy(crt),
			Labels: map[string]string{
				cmapi.IsNextPrivateKeySecretLabelKey:      "true",
				cmapi.PartOfCertManagerControllerLabelKey: "true",
			},
		},
		Data: map[string][]byte{corev1.TLSPrivateKeyKey: keyPEM},
	}
	_, err = h.Secrets.Secrets(crt.Namespace).Create(ctx, secret, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		if ours, liveErr := h.keptAlready(ctx, o, secret.Name); liveErr != nil || ours {
			return queue.Result{After: staleCheck}, liveErr
		}
	}
	if err != nil {
		return queue.Result{}, fmt.Errorf("keep the next private key in Secret %q: %w", secret.Name, err)
	}
	return queue.Result{}, nil
}

func (h *Handler) request(ctx context.Context, o *Observed, s Request) (queue.Result, error) {
	if due, err := h.stillDue(ctx, o); err != nil || !due {
		return queue.Result{After: staleCheck}, err
	}
	key, err := h.nextKey(ctx, o, s.Mends)
	if err != nil {
		return queue.Result{}, err
	}
	cr, err := newRequest(o, s.Revision, key, h.Settings.Copies)
	if err != nil {
		return queue.Result{}, err
	}
	_, err = h.Client.CertificateRequests(cr.Namespace).Create(ctx, cr, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // the cache is about to show it, and then whose it is
		return queue.Result{After: staleCheck}, nil
	}
	if err != nil {
		return queue.Result{}, fmt.Errorf("create CertificateRequest %q: %w", cr.Name, err)
	}
	if s.Event != nil {
		h.Events.Event(o.Certificate, s.Event.Type, s.Event.Reason, s.Event.Message)
	}
	return queue.Result{}, nil
}

// discard deletes the very request that was looked at, not a namesake.
func (h *Handler) discard(ctx context.Context, o *Observed, cr *cmapi.CertificateRequest) error {
	if cr == o.Next {
		h.memory.fail(o.Certificate, cr.UID)
	}
	err := h.Client.CertificateRequests(cr.Namespace).Delete(ctx, cr.Name, only(cr.UID))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete CertificateRequest %q: %w", cr.Name, err)
	}
	return nil
}

func (h *Handler) store(ctx context.Context, o *Observed, cr *cmapi.CertificateRequest) error {
	chain, err := pki.ParseCertificates(cr.Status.Certificate)
	if err != nil {
		return err
	}
	m := material{key: o.Key, chain: cr.Status.Certificate, ca: cr.Status.CA, leaf: chain[0]}
	content, _, err := h.dress(ctx, o.Certificate, o.Secret, m) // a fault is told of once the Secret is there
	if err != nil {
		return err
	}
	if _, err = apply.Secret(ctx, h.Secrets, content); err != nil {
		return err
	}
	if old := o.supersedes(chain[0], h.Clock.Now()); old != nil {
		h.memory.supersede(o.Certificate, old)
	}
	return nil
}

func (h *Handler) temporize(ctx context.Context, o *Observed) error {
	issued, err := pki.Temporary(o.Certificate, o.Key, h.Clock.Now())
	if err != nil {
		return err
	}
	chain, err := pki.ParseCertificates(issued.Certificates)
	if err != nil {
		return err
	}
	content, _, err := h.dress(ctx, o.Certificate, o.Secret, material{key: o.Key, chain: issued.Certificates, leaf: chain[0]})
	if err != nil {
		return err
	}
	if _, err := apply.Secret(ctx, h.Secrets, content); err != nil {
		return err
	}
	h.Events.Event(o.Certificate, corev1.EventTypeNormal, reasonIssuing, messageTemporary)
	return nil
}

func (h *Handler) drop(ctx context.Context, s *corev1.Secret) error {
	err := h.Secrets.Secrets(s.Namespace).Delete(ctx, s.Name, only(s.UID))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete Secret %q: %w", s.Name, err)
	}
	return nil
}

// only confines a deletion to the object that was looked at.
func only(uid types.UID) metav1.DeleteOptions {
	return metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}}
}

func ownedBy(crt *cmapi.Certificate) []metav1.OwnerReference {
	return []metav1.OwnerReference{*metav1.NewControllerRef(crt, cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateKind))}
}
