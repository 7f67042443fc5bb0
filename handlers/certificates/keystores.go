package certificates

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/apply"
	"github.com/certwright/certwright/internal/pki/keystore"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// wantedKeystore is one keystore format that a spec asks for.
type wantedKeystore struct {
	field        string // of the spec, for messages
	store, trust string // data keys of the Secret (contract 1.1)
	password     *string
	passwordRef  cmmeta.SecretKeySelector
	format       func(password string) keystore.Format
}

func wantedKeystores(k *cmapi.CertificateKeystores) []wantedKeystore {
	var wanted []wantedKeystore
	if k == nil {
		return nil
	}
	if j := k.JKS; j != nil && j.Create {
		wanted = append(wanted, wantedKeystore{
			"spec.keystores.jks", cmapi.JKSSecretKey, cmapi.JKSTruststoreKey, j.Password, j.PasswordSecretRef,
			func(password string) keystore.Format { return keystore.JKS{Alias: deref(j.Alias), Password: password} }})
	}
	if p := k.PKCS12; p != nil && p.Create {
		wanted = append(wanted, wantedKeystore{
			"spec.keystores.pkcs12", cmapi.PKCS12SecretKey, cmapi.PKCS12TruststoreKey, p.Password, p.PasswordSecretRef,
			func(password string) keystore.Format {
				return keystore.PKCS12{Profile: p.Profile, Password: password}
			}})
	}
	return wanted
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// addKeystores adds the keystores that the spec asks for. One that the Secret
// holds already with the right content stays byte for byte, although writing
// it again would salt it anew. The fault is what keeps a keystore from being
// made, such as a password Secret that is missing; one of the same certificate
// made earlier stays.
func (h *Handler) addKeystores(ctx context.Context, d *apply.Content, crt *cmapi.Certificate, existing *corev1.Secret) (fault string, err error) {
	wanted := wantedKeystores(crt.Spec.Keystores)
	if len(wanted) == 0 {
		return "", nil
	}
	was := storesOf(existing, d.Data[corev1.TLSCertKey])
	content, err := keystore.Read(d.Data[corev1.TLSPrivateKeyKey], d.Data[corev1.TLSCertKey], d.Data[cmmeta.TLSCAKey])
	if err != nil {
		return "spec.keystores: " + err.Error(), nil
	}
	for _, w := range wanted {
		password, missing, err := h.keystorePassword(ctx, crt.Namespace, w)
		if err != nil {
			return "", err
		}
		if missing == "" {
			if err := addKeystore(d, was, w, w.format(password), content, h.Clock.Now()); err != nil {
				missing = fmt.Sprintf("%s: %v", w.field, err)
			}
		}
		if missing != "" {
			fault = missing
			keep(d, was, w.store, w.trust)
		}
	}
	return fault, nil
}

// storesOf is what a Secret holds beside a certificate chain, as long as it is
// that chain.
func storesOf(existing *corev1.Secret, chain []byte) map[string][]byte {
	if existing == nil || !bytes.Equal(existing.Data[corev1.TLSCertKey], chain) {
		return nil
	}
	return existing.Data
}

func keep(d *apply.Content, was map[string][]byte, keys ...string) {
	for _, k := range keys {
		if data, ok := was[k]; ok {
			d.Data[k] = data
		}
	}
}

func addKeystore(d *apply.Content, was map[string][]byte, w wantedKeystore, f keystore.Format, c keystore.Content, now time.Time) (err error) {
	if store := was[w.store]; f.HasKeystore(store, c) {
		d.Data[w.store] = store
	} else if d.Data[w.store], err = f.Keystore(c, now); err != nil {
		delete(d.Data, w.store)
		return err
	}
	if len(c.CA) == 0 {
		return nil
	}
	if trust := was[w.trust]; f.HasTruststore(trust, c) {
		d.Data[w.trust] = trust
	} else if d.Data[w.trust], err = f.Truststore(c, now); err != nil {
		delete(d.Data, w.trust)
	}
	return err
}

// keystorePassword returns the password, or what is missing for it.
func (h *Handler) keystorePassword(ctx context.Context, namespace string, w wantedKeystore) (password, missing string, err error) {
	if w.password != nil {
		return *w.password, "", nil
	}
	name, key := w.passwordRef.Name, w.passwordRef.Key
	if key == "" {
		key = cmapi.KeystorePassword
	}
	secret, err := h.Cache.Secret(ctx, namespace, name)
	switch {
	case apierrors.IsNotFound(err):
		return "", fmt.Sprintf("%s.passwordSecretRef: Secret %q does not exist: create it with the password in %q", w.field, name, key), nil
	case err != nil:
		return "", "", fmt.Errorf("read the keystore password in Secret %q: %w", name, err)
	case len(secret.Data[key]) == 0:
		return "", fmt.Sprintf("%s.passwordSecretRef: Secret %q has nothing in %q: put the password there", w.field, name, key), nil
	}
	return string(secret.Data[key]), "", nil
}
