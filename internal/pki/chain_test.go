package pki

import (
	"bytes"
	"crypto/x509"
	"math/rand/v2"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// names lists the common names in a PEM text, for short expectations.
func names(t testing.TB, pem []byte) string {
	t.Helper()
	if len(pem) == 0 {
		return ""
	}
	certs, err := ParseCertificates(pem)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range certs {
		out = append(out, c.Subject.CommonName)
	}
	return strings.Join(out, ",")
}

func one(t testing.TB, pem []byte) *x509.Certificate {
	t.Helper()
	certs, err := ParseCertificates(pem)
	if err != nil || len(certs) != 1 {
		t.Fatalf("%d certificates, error %v", len(certs), err)
	}
	return certs[0]
}

func TestNewChain(t *testing.T) {
	t.Parallel()
	rootKey, upperKey, lowerKey := newKey(t, specP256), newKey(t, specP384), newKey(t, specEd25519)
	root := newCA(t, "root", rootKey, nil)
	upper := newCA(t, "upper", upperKey, &root)
	lower := newCA(t, "lower", lowerKey, &upper)
	other := newCA(t, "other", newKey(t, specP256), nil)
	crossRoot := newCA(t, "root", rootKey, &other) // root's key, signed by other
	leaf := one(t, signFor(t, certificate(), testKey(t, specP256), lower).Leaf)
	alone := one(t, selfSignedFor(t, certificate(), testKey(t, specP256), testNow).Leaf)

	r, u, l, o, x := root.Certificates[0], upper.Certificates[0], lower.Certificates[0], other.Certificates[0], crossRoot.Certificates[0]
	type list = []*x509.Certificate
	for name, c := range map[string]struct {
		leaf      *x509.Certificate
		pool      list
		chain, ca string
		err       string
	}{
		"whole":                 {leaf, list{l, u, r}, "web.example.com,lower,upper", "root", ""},
		"unordered":             {leaf, list{r, l, u}, "web.example.com,lower,upper", "root", ""},
		"with the leaf":         {leaf, list{leaf, l, u, r}, "web.example.com,lower,upper", "root", ""},
		"twice":                 {leaf, list{r, l, u, l, r}, "web.example.com,lower,upper", "root", ""},
		"no root":               {leaf, list{u, l}, "web.example.com,lower,upper", "upper", ""},
		"one issuer":            {leaf, list{l}, "web.example.com,lower", "lower", ""},
		"no issuer":             {leaf, nil, "web.example.com", "", ""},
		"below its root":        {u, list{r}, "upper", "root", ""},
		"self-signed":           {alone, nil, "web.example.com", "web.example.com", ""},
		"self-signed twice":     {alone, list{alone}, "web.example.com", "web.example.com", ""},
		"root as leaf":          {r, nil, "root", "root", ""},
		"cross-signed":          {leaf, list{u, x, l}, "web.example.com,lower,upper,root", "root", ""},
		"cross-signed, root":    {leaf, list{x, o, u, l}, "web.example.com,lower,upper,root", "other", ""},
		"cross-signed, both":    {leaf, list{r, u, x, l}, "web.example.com,lower,upper,root", "root", ""},
		"foreign root":          {leaf, list{l, u, r, o}, "", "", `certificate chain: certificate "CN=other" does not belong to the chain of certificate "CN=web.example.com": remove it or add its missing link`},
		"link missing":          {leaf, list{u, r}, "", "", `certificate chain: certificate "CN=upper" does not belong to the chain of certificate "CN=web.example.com": remove it or add its missing link`},
		"issuer of self-signed": {alone, list{r}, "", "", `certificate chain: certificate "CN=root" does not belong to the chain of certificate "CN=web.example.com": remove it or add its missing link`},
		"no leaf":               {nil, list{r}, "", "", "certificate chain: there is no certificate to start from"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chain, err := NewChain(c.leaf, c.pool)
			if errorText(err) != c.err {
				t.Fatalf("error = %v\nwant    %s", err, c.err)
			}
			if got := names(t, chain.Certificates); got != c.chain {
				t.Errorf("chain %s, want %s", got, c.chain)
			}
			if got := names(t, chain.CA); got != c.ca {
				t.Errorf("CA %s, want %s", got, c.ca)
			}
			if err == nil && !bytes.Equal(chain.Leaf, EncodeCertificates(c.leaf)) {
				t.Error("another leaf")
			}
		})
	}
}

// A CA of the same name but another key is not in the chain: names are hints.
func TestNewChainSameName(t *testing.T) {
	t.Parallel()
	right, wrong := newCA(t, "ca", newKey(t, specP256), nil), newCA(t, "ca", newKey(t, specP256), nil)
	leaf := one(t, signFor(t, certificate(), testKey(t, specP256), right).Leaf)
	chain, err := NewChain(leaf, right.Certificates)
	if err != nil || !bytes.Equal(chain.CA, EncodeCertificates(right.Certificates...)) {
		t.Errorf("right CA: %v", err)
	}
	if _, err := NewChain(leaf, wrong.Certificates); err == nil {
		t.Error("a CA of the same name was taken")
	}
}

// Two CAs that signed each other, as a rotation without a break makes them,
// must not be walked for ever.
func TestNewChainLoop(t *testing.T) {
	t.Parallel()
	aKey, bKey := newKey(t, specP256), newKey(t, specP256)
	a, b := newCA(t, "a", aKey, nil), newCA(t, "b", bKey, nil)
	aByB, bByA := newCA(t, "a", aKey, &b), newCA(t, "b", bKey, &a)
	leaf := one(t, signFor(t, certificate(), testKey(t, specP256), a).Leaf)
	chain, err := NewChain(leaf, []*x509.Certificate{bByA.Certificates[0], aByB.Certificates[0]})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, chain.Certificates); got != "web.example.com,a,b" {
		t.Errorf("chain %s", got)
	}
	pool := []*x509.Certificate{bByA.Certificates[0], aByB.Certificates[0], a.Certificates[0], b.Certificates[0]}
	for range 20 {
		rand.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
		if _, err := NewChain(leaf, pool); err != nil {
			t.Fatal(err)
		}
	}
}

// An empty subject is a name like another; a certificate without a name is not
// self-signed for that.
func TestNewChainWithoutNames(t *testing.T) {
	t.Parallel()
	noName := func(s *cmapi.CertificateSpec) { s.CommonName = "" }
	ca := newCA(t, "", newKey(t, specP256), nil)
	leaf := signFor(t, certificate(noName), testKey(t, specP256), ca)
	if n := strings.Count(string(leaf.Certificates), "BEGIN"); n != 1 {
		t.Errorf("%d certificates in the chain", n)
	}
	again, err := NewChain(one(t, leaf.Leaf), ca.Certificates)
	if err != nil || !bytes.Equal(again.CA, leaf.CA) || !bytes.Equal(again.Certificates, leaf.Certificates) {
		t.Errorf("put together again: %v", err)
	}
	if _, err := NewChain(one(t, leaf.Leaf), nil); err != nil {
		t.Error(err)
	}
}
