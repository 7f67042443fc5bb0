package acme

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/certwright/certwright/handlers/issuers"
	proto "github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/pki"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// key reads the account's key, and makes it where there is no Secret and making
// one is not switched off. A Secret without the key is somebody's mistake, and
// nothing is put into it.
func (b *Backend) key(ctx context.Context, i issuers.Issuer) (crypto.Signer, error) {
	key, err := b.accounts.Key(ctx, i.Namespace, i.Spec.ACME.PrivateKey)
	if !missing(err) || i.Spec.ACME.DisableAccountKeyGeneration {
		return key, err
	}
	// The cache may lag behind the Secret that was made a moment ago.
	if key, err = b.liveKey(ctx, i); missing(err) {
		return b.makeKey(ctx, i)
	}
	return key, err
}

func missing(err error) bool {
	var fault *proto.Fault
	return errors.As(err, &fault) && fault.NoSecret
}

func (b *Backend) liveKey(ctx context.Context, i issuers.Issuer) (crypto.Signer, error) {
	ref := i.Spec.ACME.PrivateKey
	secret, err := b.core.Secrets(i.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	return b.accounts.KeyOf(secret, err, i.Namespace, ref)
}

// makeKey stores a new key before anything is done with it. It is RSA of 2048
// bits, so that cert-manager can take over again, which reads no other.
func (b *Backend) makeKey(ctx context.Context, i issuers.Issuer) (crypto.Signer, error) {
	ref := i.Spec.ACME.PrivateKey
	key, err := pki.GenerateKey(pki.KeySpec{Algorithm: cmapi.RSAKeyAlgorithm, Size: pki.DefaultRSAKeySize})
	if err != nil {
		return nil, fmt.Errorf("make the ACME account's key: %w", err)
	}
	text, err := pki.EncodeKey(key, cmapi.PKCS1)
	if err != nil {
		return nil, fmt.Errorf("write the ACME account's key: %w", err)
	}
	_, err = b.core.Secrets(i.Namespace).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: ref.Name, Namespace: i.Namespace, Labels: map[string]string{
			"app.kubernetes.io/managed-by":            "cert-manager",
			cmapi.PartOfCertManagerControllerLabelKey: "true",
		}},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{proto.KeyIn(ref): text},
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) { // by another issuer of the same account
		return b.liveKey(ctx, i)
	}
	if err != nil {
		return nil, fmt.Errorf("store the ACME account's key in Secret %s/%s: %w", i.Namespace, ref.Name, err)
	}
	return key, nil
}

// binding reads the external account binding; fault is what is wrong with it.
func (b *Backend) binding(ctx context.Context, i issuers.Issuer) (binding *proto.Binding, fault string, err error) {
	eab := i.Spec.ACME.ExternalAccountBinding
	if eab == nil {
		return nil, "", nil
	}
	secret, err := b.secrets.Secret(ctx, i.Namespace, eab.Key.Name)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Sprintf("spec.acme.externalAccountBinding.keySecretRef: Secret %s/%s does not exist: create it with the HMAC key that the CA has given you",
			i.Namespace, eab.Key.Name), nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("read Secret %s/%s with the external account's key: %w", i.Namespace, eab.Key.Name, err)
	}
	return bindingIn(secret, eab)
}

func bindingIn(secret *corev1.Secret, eab *cmacme.ACMEExternalAccountBinding) (*proto.Binding, string, error) {
	key := secret.Data[eab.Key.Key]
	if len(key) == 0 {
		return nil, fmt.Sprintf("spec.acme.externalAccountBinding.keySecretRef: Secret %s/%s has no key %q: store the HMAC key there that the CA has given you",
			secret.Namespace, secret.Name, eab.Key.Key), nil
	}
	return &proto.Binding{KeyID: eab.KeyID, Key: string(key)}, "", nil
}
