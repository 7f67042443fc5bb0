package ca_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

var errBroken = errors.New("connection refused")

// broken is a cache of Secrets that cannot be read.
type broken struct{}

func (broken) Secret(context.Context, string, string) (*corev1.Secret, error) { return nil, errBroken }

// issue has the fixture Certificate issued by a CA Secret, and returns what
// was stored.
func issue(t *testing.T, secret *corev1.Secret, edit ...func(*cmapi.CAIssuer)) *corev1.Secret {
	t.Helper()
	i := issuer()
	for _, e := range edit {
		e(i.Spec.CA)
	}
	w := handlertest.New(t, i, secret, handlertest.Web())
	w.Start(handlertest.Defaults()).Settle()
	s := w.Secret("web-tls")
	if s == nil {
		t.Fatalf("nothing was issued: %+v", condition(w))
	}
	return s
}

// What the issuer says of revocation goes into every certificate.
func TestDistributionPoints(t *testing.T) {
	t.Parallel()
	s := issue(t, handlertest.PairSecret(t, "ca-pair", handlertest.NewAuthority(t, "Test CA")), func(c *cmapi.CAIssuer) {
		c.CRLDistributionPoints = []string{"http://example.com/crl"}
		c.OCSPServers = []string{"http://example.com/ocsp"}
		c.IssuingCertificateURLs = []string{"http://example.com/ca.crt"}
	})
	leaf := handlertest.Leaf(t, s.Data["tls.crt"])
	got := [][]string{leaf.CRLDistributionPoints, leaf.OCSPServer, leaf.IssuingCertificateURL}
	want := [][]string{{"http://example.com/crl"}, {"http://example.com/ocsp"}, {"http://example.com/ca.crt"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// below makes a CA that another one has certified.
func below(t *testing.T, parent handlertest.Authority, name string) handlertest.Authority {
	t.Helper()
	a := handlertest.Authority{Key: handlertest.NewKey(t)}
	a.PEM = parent.Issue(t, a.Key.Public(), func(c *x509.Certificate) {
		c.Subject.CommonName, c.DNSNames, c.IsCA, c.SerialNumber = name, nil, true, big.NewInt(7)
		c.NotBefore, c.NotAfter = parent.Certificate.NotBefore, parent.Certificate.NotAfter
		c.KeyUsage = x509.KeyUsageCertSign
	})
	a.Certificate = handlertest.Leaf(t, a.PEM)
	return a
}

// Chains: tls.crt has the leaf first, then each intermediate up to the root,
// which is in ca.crt alone.
func TestChains(t *testing.T) {
	t.Parallel()
	root := handlertest.NewAuthority(t, "Root")
	middle := below(t, root, "Middle")
	low := below(t, middle, "Low")
	for name, row := range map[string]struct {
		signer    handlertest.Authority
		above     []handlertest.Authority // as they are stored behind the signer
		chain, ca []string
	}{
		"a root":                            {root, nil, []string{"web.example.com"}, []string{"Root"}},
		"below a root":                      {middle, []handlertest.Authority{root}, []string{"web.example.com", "Middle"}, []string{"Root"}},
		"two below":                         {low, []handlertest.Authority{middle, root}, []string{"web.example.com", "Low", "Middle"}, []string{"Root"}},
		"two below, in another order":       {low, []handlertest.Authority{root, middle}, []string{"web.example.com", "Low", "Middle"}, []string{"Root"}},
		"the root is not known":             {low, []handlertest.Authority{middle}, []string{"web.example.com", "Low", "Middle"}, []string{"Middle"}},
		"nothing is known above the signer": {low, nil, []string{"web.example.com", "Low"}, []string{"Low"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret := handlertest.PairSecret(t, "ca-pair", row.signer)
			for _, a := range row.above {
				secret.Data["tls.crt"] = append(secret.Data["tls.crt"], a.PEM...)
			}
			s := issue(t, secret)
			if diff := cmp.Diff(row.chain, subjects(t, s.Data["tls.crt"])); diff != "" {
				t.Errorf("tls.crt (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(row.ca, subjects(t, s.Data["ca.crt"])); diff != "" {
				t.Errorf("ca.crt (-want +got):\n%s", diff)
			}
			leaf := handlertest.Leaf(t, s.Data["tls.crt"])
			if err := leaf.CheckSignatureFrom(row.signer.Certificate); err != nil {
				t.Error(err)
			}
		})
	}
}

// subjects are the common names of a PEM text.
func subjects(t *testing.T, text []byte) (all []string) {
	t.Helper()
	for {
		b, rest := pem.Decode(text)
		if b == nil {
			return all
		}
		all, text = append(all, handlertest.Leaf(t, pem.EncodeToMemory(b)).Subject.CommonName), rest
	}
}

// A CA that is changed signs with its new pair from then on.
func TestAChangedCASigns(t *testing.T) {
	t.Parallel()
	first, second := handlertest.NewAuthority(t, "First"), handlertest.NewAuthority(t, "Second")
	w := handlertest.New(t, issuer(), handlertest.PairSecret(t, "ca-pair", first), handlertest.Web())
	p := w.Start(handlertest.Defaults())
	p.Settle()
	handlertest.Edit(w, "ca-pair", func(s *corev1.Secret) { s.Data = handlertest.PairSecret(t, "x", second).Data })
	w.Forget()
	p.Settle()
	w.Wrote() // what is issued stays good until its renewal
	handlertest.EditStatus(w, "web", handlertest.ManuallyTriggered)
	p.Settle()
	if leaf := handlertest.Leaf(t, w.Secret("web-tls").Data["tls.crt"]); leaf.Issuer.CommonName != "Second" {
		t.Errorf("signed by %s, want Second", leaf.Issuer)
	}
}
