package acme

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/acme/site"
)

// Keys of external accounts, in base64url as servers give them out.
const (
	macKey      = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
	wrongMACKey = "b10lLJs8l1GPIzsLP0s6pMt8O0XVGnfTaCeROxQM0BIt2XrJMDHJZBM5NuQmQJQH"
)

// reusing is a server that never has a name proved twice.
var reusing = pebble.Options{Reuse: 100, NonceReject: 10}

// ordered fails the test unless the server has exactly n orders for the names.
func ordered(s *site.Site, n int, names ...string) {
	s.Helper()
	if got := len(s.Gate.OrdersFor(names...)); got != n {
		s.Errorf("the server has %d orders for %v, want %d", got, names, n)
	}
}

// accountKey makes a key of an account, as PEM.
func accountKey(t *testing.T, kind string) []byte {
	t.Helper()
	var key crypto.Signer
	var err error
	if kind == "rsa" {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// macSecret holds the key of an external account.
func macSecret(s *site.Site, name, key string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name}, Data: map[string][]byte{"mac": []byte(key)},
	}
}

// saysPaused tells whether an Issuer says that its server has it wait.
func saysPaused(status cmapi.IssuerStatus) bool {
	for _, c := range status.Conditions {
		if strings.Contains(c.Message, "paused until") {
			return true
		}
	}
	return false
}

// deleteCertificate deletes a Certificate, and with it what was made for it.
func deleteCertificate(s *site.Site, name string) {
	s.Helper()
	s.Must(s.CertManager.CertmanagerV1().Certificates(s.Namespace).Delete(s.Context(), name, metav1.DeleteOptions{}))
}

// editIssuer changes the ACME part of an Issuer.
func editIssuer(s *site.Site, name string, edit func(*cmacme.ACMEIssuer)) {
	s.Helper()
	issuers := s.CertManager.CertmanagerV1().Issuers(s.Namespace)
	s.Must(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		issuer, err := issuers.Get(s.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		edit(issuer.Spec.ACME)
		_, err = issuers.Update(s.Context(), issuer, metav1.UpdateOptions{})
		return err
	}))
}

// askAgain has the server's advice about a Certificate fetched now, not at the
// time that the server named, which is hours away.
func askAgain(s *site.Site, name string) {
	s.Helper()
	s.Must(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		crt := s.Get(name)
		crt.Status.ACME.ARI.NextCheck = &metav1.Time{Time: time.Now().Add(-time.Minute)}
		_, err := s.CertManager.CertmanagerV1().Certificates(s.Namespace).UpdateStatus(s.Context(), crt, metav1.UpdateOptions{})
		return err
	}))
}
