package acme_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/certwright/certwright/internal/acme"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// secrets are the Secrets that exist, by namespace/name.
type secrets map[string]*corev1.Secret

var errAPI = errors.New("the API server is away")

func (s secrets) Secret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	switch found, ok := s[namespace+"/"+name]; {
	case !ok:
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
	case found == nil:
		return nil, errAPI
	default:
		return found, nil
	}
}

func keySecret(t *testing.T, key crypto.Signer, version string) *corev1.Secret {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "account", ResourceVersion: version},
		Data: map[string][]byte{"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}}
}

func registeredIssuer(key crypto.Signer) *cmapi.Issuer {
	i := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "le"}}
	i.Spec.ACME = &cmacme.ACMEIssuer{Server: "https://acme.test/directory", CABundle: []byte("PEM"), PrivateKey: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "account"}}}
	i.Status.ACME = &cmacme.ACMEIssuerStatus{URI: "https://acme.test/account/1", LastPrivateKeyHash: acme.KeyHash(key)}
	return i
}

// An account is made of what is stored, and parsed once for each state of the Secret.
func TestAccountOfAnIssuer(t *testing.T) {
	t.Parallel()
	first, second := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384())
	stored := secrets{"team/account": keySecret(t, first, "1")}
	x := acme.NewAccounts(stored, "kube-system")
	a, err := x.Of(t.Context(), registeredIssuer(first))
	if err != nil || a.URL != "https://acme.test/account/1" || a.Directory.URL != "https://acme.test/directory" || string(a.Directory.CABundle) != "PEM" {
		t.Fatalf("got %+v, %v", a, err)
	}
	again, err := x.Of(t.Context(), registeredIssuer(first))
	if err != nil || again.Key != a.Key {
		t.Errorf("the same Secret was parsed again: %v", err)
	}
	stored["team/account"] = keySecret(t, second, "2")
	if a, err = x.Of(t.Context(), registeredIssuer(second)); err != nil || !a.Key.(*ecdsa.PrivateKey).Equal(second) {
		t.Errorf("another key is not seen: %v", err)
	}
	stored["kube-system/account"] = keySecret(t, first, "3")
	cluster := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: "le"}, Spec: registeredIssuer(first).Spec, Status: registeredIssuer(first).Status}
	if a, err = x.Of(t.Context(), cluster); err != nil || !a.Key.(*ecdsa.PrivateKey).Equal(first) {
		t.Errorf("a ClusterIssuer's is not found: %v", err)
	}
}

func TestIssuersWithoutAnAccount(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	const unregistered = "the ACME account of the issuer is not registered yet with its key and server"
	for name, row := range map[string]struct {
		edit func(*cmapi.Issuer)
		want string
	}{
		"never registered": {func(i *cmapi.Issuer) { i.Status.ACME = nil }, unregistered},
		"without URL":      {func(i *cmapi.Issuer) { i.Status.ACME.URI = "" }, unregistered},
		"another key":      {func(i *cmapi.Issuer) { i.Status.ACME.LastPrivateKeyHash = "x" }, unregistered},
		"another server":   {func(i *cmapi.Issuer) { i.Spec.ACME.Server = "https://acme2.test/directory" }, unregistered},
		"no Secret":        {func(i *cmapi.Issuer) { i.Spec.ACME.PrivateKey.Name = "none" }, "spec.acme.privateKeySecretRef: Secret team/none does not exist"},
		"no key":           {func(i *cmapi.Issuer) { i.Spec.ACME.PrivateKey.Key = "x" }, `spec.acme.privateKeySecretRef: Secret team/account has no key "x"`},
		"another type":     {func(i *cmapi.Issuer) { i.Spec.ACME = nil }, "spec.issuerRef: the issuer is not of type acme"},
	} {
		i := registeredIssuer(key)
		row.edit(i)
		_, err := acme.NewAccounts(secrets{"team/account": keySecret(t, key, "1")}, "kube-system").Of(t.Context(), i)
		var fault *acme.Fault
		if !errors.As(err, &fault) || !strings.HasPrefix(fault.Message, row.want) {
			t.Errorf("%s: got %v, want %s", name, err, row.want)
		}
	}
	_, err := acme.NewAccounts(secrets{"team/account": nil}, "").Of(t.Context(), registeredIssuer(key))
	var fault *acme.Fault
	if !errors.Is(err, errAPI) || errors.As(err, &fault) {
		t.Errorf("a Secret that cannot be read now: got %v", err)
	}
}

// Another key is another hash, of which nothing can be read.
func TestKeyHash(t *testing.T) {
	t.Parallel()
	key := rsaKey()
	if a, b := acme.KeyHash(key), acme.KeyHash(ecKey(t, elliptic.P256())); len(a) != 44 || a == b {
		t.Errorf("got %q and %q", a, b)
	}
}
