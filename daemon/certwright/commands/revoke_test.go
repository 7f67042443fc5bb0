package commands

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/acme/acmetest"
)

// revoking is a bench with a certificate that an ACME server has issued.
type revoking struct {
	*bench
	server *acmetest.Server
	leaf   *x509.Certificate
}

func newRevoking(t *testing.T) *revoking {
	t.Helper()
	r := &revoking{server: acmetest.New(t, acmetest.Options{})}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	chain, account := r.issue(t, key)
	block, _ := pem.Decode(chain)
	if r.leaf, err = x509.ParseCertificate(block.Bytes); err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	le := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "le"}}
	le.Spec.ACME = &cmacme.ACMEIssuer{Server: account.Directory.URL, PrivateKey: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "account"}}}
	le.Status.ACME = &cmacme.ACMEIssuerStatus{URI: account.URL, LastPrivateKeyHash: acme.KeyHash(key)}
	fresh := le.DeepCopy()
	fresh.Name, fresh.Status = "fresh", cmapi.IssuerStatus{}
	ca := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "ca"}}
	ca.Spec.CA = &cmapi.CAIssuer{SecretName: "ca"}
	secret := func(name, issuer, group string, chain []byte) *corev1.Secret {
		return &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, Annotations: map[string]string{
				"cert-manager.io/issuer-name": issuer, "cert-manager.io/issuer-kind": "Issuer", "cert-manager.io/issuer-group": group}},
			Data: map[string][]byte{"tls.crt": chain},
		}
	}
	r.bench = newBench(
		[]runtime.Object{le, fresh, ca, certificate("ns", "web"), certificate("ns", "none")},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "account"}, Data: map[string][]byte{"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}},
		secret("web-tls", "le", "", chain), secret("of-ca", "ca", "cert-manager.io", chain), secret("of-fresh", "fresh", "", chain),
		secret("of-pca", "pca", "awspca.cert-manager.io", chain), secret("of-nobody", "", "", chain), secret("empty", "le", "", nil))
	r.acme = r.server.Transport()
	return r
}

// issue has the server issue a certificate to an account of its own.
func (r *revoking) issue(t *testing.T, key *ecdsa.PrivateKey) (chain []byte, a acme.Account) {
	t.Helper()
	client := acme.NewClient(acme.Options{Transport: r.server.Transport()})
	a = acme.Account{Directory: r.server.Directory(), Key: key}
	made, err := client.Register(t.Context(), a, acme.Registration{})
	if err != nil {
		t.Fatal(err)
	}
	a.URL = made.URL
	o, err := client.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: []acme.Identifier{{Type: "dns", Value: "web.example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := client.Authorization(t.Context(), a, o.Authorizations[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.Accept(t.Context(), a, auth.Challenges[0].URL); err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"web.example.com"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	if o, err = client.Finalize(t.Context(), a, o, csr); err != nil {
		t.Fatal(err)
	}
	if chain, err = client.Certificate(t.Context(), a, o.CertificateURL, ""); err != nil {
		t.Fatal(err)
	}
	return chain, a
}

func TestRevoke(t *testing.T) {
	for line, reason := range map[string]int{
		"revoke web --yes": 0, "revoke web -y --reason keyCompromise": 1, "revoke --secret web-tls -y --reason superseded": 4,
	} {
		r := newRevoking(t)
		r.expect(t, line, exitOK, fmt.Sprintf("certificate %x revoked\n", r.leaf.SerialNumber), "")
		if got, revoked := r.server.Revoked(r.leaf.Raw); !revoked || got != reason {
			t.Errorf("%s: revoked %t for reason %d, want %d", line, revoked, got, reason)
		}
		r.expect(t, line, exitOK, fmt.Sprintf("certificate %x was revoked already\n", r.leaf.SerialNumber), "")
		if n := r.writes(); n != 0 {
			t.Errorf("%s: %d writes", line, n)
		}
	}
}

// Whoever does not say yes revokes nothing.
func TestRevokeAsks(t *testing.T) {
	for answer, done := range map[string]bool{"y\n": true, "Yes\n": true, "n\n": false, "\n": false, "": false, "yo\n": false} {
		r := newRevoking(t)
		r.streams.In = strings.NewReader(answer)
		code := r.run(t, "revoke web --reason cessationOfOperation")
		if _, revoked := r.server.Revoked(r.leaf.Raw); revoked != done || (code == exitOK) != done {
			t.Errorf("%q: revoked %t, exit code %d", answer, revoked, code)
		}
		text := r.err.String()
		for _, part := range []string{"ns/web-tls", "web.example.com", "Issuer.cert-manager.io/le", "cessationOfOperation", "cannot be undone", fmt.Sprintf("%x", r.leaf.SerialNumber)} {
			if !strings.Contains(text, part) {
				t.Errorf("it does not tell %q:\n%s", part, text)
			}
		}
	}
}

func TestRevokeImpossible(t *testing.T) {
	r := newRevoking(t)
	for line, want := range map[string]string{
		"revoke web2 -y":               "Error: certificates.cert-manager.io \"web2\" not found in namespace ns; did you mean \"web\"?\n",
		"revoke none -y":               "Error: certificate none has no certificate yet: its Secret none-tls does not exist\n",
		"revoke --secret of-ca -y":     "Error: Issuer.cert-manager.io/ca is not of type acme, and no other type can revoke: stop trusting the certificate by other means, such as a new CA\n",
		"revoke --secret of-pca -y":    "Error: Issuer.awspca.cert-manager.io/pca is another program's issuer: only certificates of ACME issuers can be revoked here\n",
		"revoke --secret of-nobody -y": "Error: secret of-nobody does not say which issuer its certificate is from: it lacks the annotation cert-manager.io/issuer-name\n",
		"revoke --secret empty -y":     "Error: secret empty: no certificate can be read in tls.crt: ",
		"revoke --secret of-fresh -y":  "Error: Issuer.cert-manager.io/fresh: the ACME account of the issuer is not registered yet with its key and server: the issuer's Ready condition tells why\n",
	} {
		if code := r.run(t, line); code != exitFailure || !strings.HasPrefix(r.err.String(), want) || r.out.Len() > 0 {
			t.Errorf("%s: exit code %d\n%s%s\nwant %s", line, code, r.out.String(), r.err.String(), want)
		}
	}
	for line, want := range map[string]string{
		"revoke":                                 "Error: nothing to revoke; give the name of a Certificate, or --secret NAME\n",
		"revoke web --secret x":                  "Error: the name of a Certificate and --secret exclude each other; give one of them\n",
		"revoke web api":                         "Error: \"api\" is one too many: certwright revoke takes one name\n",
		"revoke web --reason keycompromise":      "Error: --reason \"keycompromise\" is not a reason that an ACME server takes; did you mean \"keyCompromise\"?; write one of affiliationChanged, cessationOfOperation, keyCompromise, superseded, unspecified\n",
		"revoke web --reason certificateHold -y": "Error: --reason \"certificateHold\" is not a reason that an ACME server takes; write one of ",
	} {
		if code := r.run(t, line); code != exitUsage || !strings.HasPrefix(r.err.String(), want) {
			t.Errorf("%s: exit code %d\n%s\nwant %s", line, code, r.err.String(), want)
		}
	}
	if _, revoked := r.server.Revoked(r.leaf.Raw); revoked {
		t.Error("the certificate is revoked")
	}
}

// What the ACME server says is told, and nothing about the API server.
func TestRevokeRefused(t *testing.T) {
	r := newRevoking(t)
	r.server.Fail("revoke_certificate", 1, acmetest.Problem{Status: 403, Type: "unauthorized", Detail: "not yours"})
	r.expect(t, "revoke web -y", exitFailure, "", "Error: the ACME server has not revoked the certificate: unauthorized: not yours\n")
	r.acme = away{}
	r.expect(t, "revoke web -y", exitFailure, "", "Error: the ACME server has not revoked the certificate: acme.test closed the connection before it had answered\n")
}

type away struct{}

func (away) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.Join(io.ErrUnexpectedEOF)
}
