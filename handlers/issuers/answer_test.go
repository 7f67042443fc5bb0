package issuers_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"

	"github.com/google/go-cmp/cmp"
)

// below makes a CA that another one has certified.
func below(t *testing.T, parent handlertest.Authority, name string) handlertest.Authority {
	t.Helper()
	a := handlertest.Authority{Key: handlertest.NewKey(t)}
	a.PEM = parent.Issue(t, a.Key.Public(), func(c *x509.Certificate) {
		c.Subject.CommonName, c.DNSNames, c.IsCA, c.SerialNumber = name, nil, true, big.NewInt(7)
		c.NotBefore, c.NotAfter, c.KeyUsage = parent.Certificate.NotBefore, parent.Certificate.NotAfter, x509.KeyUsageCertSign
	})
	a.Certificate = handlertest.Leaf(t, a.PEM)
	return a
}

func commonNames(t *testing.T, text []byte) (all []string) {
	t.Helper()
	for {
		b, rest := pem.Decode(text)
		if b == nil {
			return all
		}
		all, text = append(all, handlertest.Leaf(t, pem.EncodeToMemory(b)).Subject.CommonName), rest
	}
}

// Whatever a server sends above the leaf, and in whatever order: the leaf comes
// first, the root stays out of the chain, strangers are left out.
func TestIssued(t *testing.T) {
	t.Parallel()
	root, other := handlertest.NewAuthority(t, "Root"), handlertest.NewAuthority(t, "Other")
	middle := below(t, root, "Middle")
	low := below(t, middle, "Low")
	key := handlertest.NewKey(t)
	request := issuers.Request{Template: &x509.Certificate{PublicKey: key.Public()}}
	for name, r := range map[string]struct {
		signer    handlertest.Authority
		above     []handlertest.Authority
		chain, ca []string
	}{
		"all in order":     {low, []handlertest.Authority{low, middle, root}, []string{"web.example.com", "Low", "Middle"}, []string{"Root"}},
		"upside down":      {low, []handlertest.Authority{root, middle, low, low}, []string{"web.example.com", "Low", "Middle"}, []string{"Root"}},
		"without a root":   {low, []handlertest.Authority{low, middle}, []string{"web.example.com", "Low", "Middle"}, []string{"Middle"}},
		"the root alone":   {root, []handlertest.Authority{root}, []string{"web.example.com"}, []string{"Root"}},
		"without a CA":     {low, nil, []string{"web.example.com"}, nil},
		"with a stranger":  {middle, []handlertest.Authority{other, middle, root}, []string{"web.example.com", "Middle"}, []string{"Root"}},
		"a link is absent": {low, []handlertest.Authority{low, root}, []string{"web.example.com", "Low"}, []string{"Low"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var pool []*x509.Certificate
			for _, a := range r.above {
				pool = append(pool, a.Certificate)
			}
			out, err := issuers.Issued(request, "the server", handlertest.Leaf(t, r.signer.Issue(t, key.Public())), pool)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r.chain, commonNames(t, out.Chain)); diff != "" {
				t.Errorf("chain (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(r.ca, commonNames(t, out.CA)); diff != "" {
				t.Errorf("CA (-want +got):\n%s", diff)
			}
		})
	}
	leaf := handlertest.Leaf(t, root.Issue(t, handlertest.NewKey(t).Public()))
	var refusal *issuers.Refusal
	if _, err := issuers.Issued(request, "the server", leaf, nil); !errors.As(err, &refusal) || !strings.Contains(refusal.Message, "the server answered with a certificate for another key") {
		t.Errorf("another key: got %v", err)
	}
}
