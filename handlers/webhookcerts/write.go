package webhookcerts

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"

	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/internal/webhookset"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	admissionv1ac "k8s.io/client-go/applyconfigurations/admissionregistration/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

var byForce = metav1.ApplyOptions{FieldManager: webhookset.FieldManager, Force: true}

// applySecret writes what was decided on the Secret as it was seen: if it has
// changed since, there is a conflict, and the next pass decides anew.
func (h *Handler) applySecret(ctx context.Context, set *webhookset.Set, seen *corev1.Secret, c content) error {
	config := corev1ac.Secret(c.name, set.Namespace).WithLabels(c.labels).WithAnnotations(c.annotations).WithData(c.data)
	if seen != nil {
		config.WithType(seen.Type).WithUID(seen.UID).WithResourceVersion(seen.ResourceVersion)
	} else {
		config.WithType(corev1.SecretTypeOpaque)
	}
	got, err := h.Client.CoreV1().Secrets(set.Namespace).Apply(ctx, config, byForce)
	if err != nil {
		return fmt.Errorf("apply Secret %q: %w", c.name, err)
	}
	if _, there := got.Data[c.absent]; there && c.absent != "" {
		return h.removeKey(ctx, got, c.absent)
	}
	return nil
}

// removeKey takes away a data key that somebody else has come to own, which
// an apply without it leaves where it is.
func (h *Handler) removeKey(ctx context.Context, s *corev1.Secret, key string) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": s.ResourceVersion},
		"data":     map[string]any{key: nil},
	})
	if err != nil {
		return err
	}
	_, err = h.Client.CoreV1().Secrets(s.Namespace).Patch(ctx, s.Name, types.MergePatchType, patch,
		metav1.PatchOptions{FieldManager: webhookset.FieldManager})
	if err != nil {
		return fmt.Errorf("take %s out of Secret %q: %w", key, s.Name, err)
	}
	return nil
}

// applyBundle sets the bundle of every webhook of a configuration, and the mark.
func (h *Handler) applyBundle(ctx context.Context, set *webhookset.Set, hook Hook, certs []*x509.Certificate) (err error) {
	bundle := pki.EncodeCertificates(certs...)
	mark := map[string]string{
		webhookset.BundleAnnotation: hook.markFor(webhookset.Fingerprint(certs)).String(),
		webhookset.SetLabel:         set.Name,
	}
	api := h.Client.AdmissionregistrationV1()
	if hook.Kind == webhookset.MutatingKind {
		config := admissionv1ac.MutatingWebhookConfiguration(hook.Meta.Name).WithAnnotations(mark).
			WithUID(hook.Meta.UID).WithResourceVersion(hook.Meta.ResourceVersion)
		for _, w := range hook.Webhooks {
			config.WithWebhooks(admissionv1ac.MutatingWebhook().WithName(w.Name).WithClientConfig(
				admissionv1ac.WebhookClientConfig().WithCABundle(bundle...)))
		}
		_, err = api.MutatingWebhookConfigurations().Apply(ctx, config, byForce)
	} else {
		config := admissionv1ac.ValidatingWebhookConfiguration(hook.Meta.Name).WithAnnotations(mark).
			WithUID(hook.Meta.UID).WithResourceVersion(hook.Meta.ResourceVersion)
		for _, w := range hook.Webhooks {
			config.WithWebhooks(admissionv1ac.ValidatingWebhook().WithName(w.Name).WithClientConfig(
				admissionv1ac.WebhookClientConfig().WithCABundle(bundle...)))
		}
		_, err = api.ValidatingWebhookConfigurations().Apply(ctx, config, byForce)
	}
	if err != nil {
		return fmt.Errorf("set the CA bundle of %s %q: %w", hook.Kind, hook.Meta.Name, err)
	}
	return nil
}
