package certificates

import (
	"crypto"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
)

// observeKey finds the private key of the issuance under way: the one in
// memory, else the one kept in a Secret, else, when the key is to stay, the
// one that is stored already.
func (h *Handler) observeKey(o *Observed) {
	spec, err := pki.KeySpecOf(o.Certificate)
	if err != nil {
		return // Invalid says why
	}
	if kept := keptKey(o); fits(kept, spec) {
		o.Key, o.KeyKept = kept, true
		return
	}
	if key := h.memory.key(o.Certificate); fits(key, spec) {
		o.Key = key
		return
	}
	if keepsKey(o.Certificate) && fits(o.Stored.Key, spec) {
		o.Key = o.Stored.Key
	}
}

func fits(key crypto.Signer, spec pki.KeySpec) bool {
	return key != nil && len(pki.KeyViolations(key.Public(), spec)) == 0
}

// keptKey reads the key Secret of the next revision, under the name the status
// gives or the one we would give.
func keptKey(o *Observed) crypto.Signer {
	secret := keySecret(o)
	if secret == nil {
		return nil
	}
	key, err := pki.ParseKey(secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil
	}
	return key
}

func keySecret(o *Observed) *corev1.Secret {
	for _, s := range o.KeySecrets {
		if s.Name == keySecretName(o) {
			return s
		}
	}
	return nil
}

// keySecretName prefers the name in the status: an issuance that another
// program began goes on with that program's key.
func keySecretName(o *Observed) string {
	if name := o.Certificate.Status.NextPrivateKeySecretName; name != nil && *name != "" {
		return *name
	}
	return api.KeySecretName(o.Certificate.Name, string(o.Certificate.UID), o.Revision+1)
}

// keepsKey reports whether a renewal is to reuse the stored key.
func keepsKey(crt *cmapi.Certificate) bool {
	pk := crt.Spec.PrivateKey
	return pk != nil && pk.RotationPolicy == cmapi.RotationPolicyNever
}

// keyStuck reports whether the stored key must be kept and cannot serve: then
// only a person can say which of the two is to give way.
func (o *Observed) keyStuck() bool {
	spec, err := pki.KeySpecOf(o.Certificate)
	return err == nil && keepsKey(o.Certificate) && o.Stored.Key != nil && !fits(o.Stored.Key, spec)
}
