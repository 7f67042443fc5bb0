package acmetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/acme"
)

// The common names of the two roots: the server's own choice, and that of its
// alternate chain.
const (
	Root          = "Test Root"
	AlternateRoot = "Alternate Test Root"
)

// authority is a CA with one intermediate that two roots have signed.
type authority struct {
	key                     *ecdsa.PrivateKey
	intermediate, alternate *x509.Certificate
	roots                   []*x509.Certificate
}

type certificate struct {
	leaf    *x509.Certificate
	order   *order
	revoked *int
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	ca := &authority{key: newKey(t)}
	for i, name := range []string{Root, AlternateRoot} {
		root := newKey(t)
		template := caTemplate(name, int64(i+1))
		signed := sign(t, template, template, root.Public(), root)
		ca.roots = append(ca.roots, signed)
		link := sign(t, caTemplate("Test Intermediate", int64(i+10)), signed, ca.key.Public(), root)
		if i == 0 {
			ca.intermediate = link
		} else {
			ca.alternate = link
		}
	}
	return ca
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func caTemplate(name string, serial int64) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(20, 0, 0),
	}
}

func sign(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func encode(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// Roots is both roots, as PEM.
func (s *Server) Roots() []byte {
	return append(encode(s.ca.roots[0].Raw), encode(s.ca.roots[1].Raw)...)
}

func (s *Server) finalize(w http.ResponseWriter, c call) error {
	o := s.orders[strings.Replace(c.url, "/finalize/", "/order/", 1)]
	if o == nil || o.account != c.account {
		return missing
	}
	if s.stateOf(o) != acme.Ready {
		return Problem{Status: http.StatusForbidden, Type: "orderNotReady", Detail: "the order is " + string(o.state)}
	}
	var asked struct{ CSR string }
	if err := json.Unmarshal(c.payload, &asked); err != nil {
		return err
	}
	csr, err := x509.ParseCertificateRequest(decode(asked.CSR))
	if err != nil || csr.CheckSignature() != nil {
		return Problem{Type: "badCSR", Detail: "the request cannot be read"}
	}
	if err := fits(csr, o); err != nil {
		return err
	}
	s.issue(o, csr)
	s.showOrder(w, http.StatusOK, o)
	return nil
}

// fits refuses a request for other names than the order's.
func fits(csr *x509.CertificateRequest, o *order) error {
	var asked, ordered []string
	for _, name := range csr.DNSNames {
		asked = append(asked, "dns "+strings.ToLower(name))
	}
	for _, ip := range csr.IPAddresses {
		asked = append(asked, "ip "+ip.String())
	}
	for _, id := range o.identifiers {
		ordered = append(ordered, id.Type+" "+id.Value)
	}
	slices.Sort(asked)
	slices.Sort(ordered)
	if !slices.Equal(asked, ordered) {
		return Problem{Type: "badCSR", Detail: fmt.Sprintf("the request is for %v, the order for %v", asked, ordered)}
	}
	return nil
}

func (s *Server) issue(o *order, csr *x509.CertificateRequest) {
	end := time.Now().Add(s.options.Life)
	if o.notAfter != nil {
		end = *o.notAfter
	}
	s.serial++
	leaf := sign(s.t, &x509.Certificate{
		SerialNumber: big.NewInt(int64(1000 + s.serial)), DNSNames: csr.DNSNames, IPAddresses: csr.IPAddresses,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, s.ca.intermediate, csr.PublicKey, s.ca.key)
	o.certificate, o.state, o.looks = s.next("cert"), acme.Valid, s.options.Processing
	if o.looks > 0 {
		o.state = acme.Processing
	}
	s.certs[o.certificate] = &certificate{leaf: leaf, order: o}
}

// certificate serves the chain, and at /1 its alternate. It has the root in it,
// as some servers do.
func (s *Server) certificate(w http.ResponseWriter, c call) error {
	at, alternate := strings.CutSuffix(c.url, "/alternate")
	issued := s.certs[at]
	if issued == nil || issued.order.account != c.account {
		return missing
	}
	text := append(encode(issued.leaf.Raw), encode(s.ca.intermediate.Raw)...)
	if alternate {
		text = append(encode(issued.leaf.Raw), encode(s.ca.alternate.Raw)...)
		text = append(text, encode(s.ca.roots[1].Raw)...)
	} else {
		w.Header().Add("Link", fmt.Sprintf("<%s/broken>;rel=\"alternate\", <%s/alternate>;rel=\"alternate\"", at, at))
	}
	w.Header().Set("Content-Type", "application/pem-certificate-chain")
	if _, err := w.Write(text); err != nil {
		s.t.Error(err)
	}
	return nil
}

func (s *Server) revoke(w http.ResponseWriter, c call) error {
	var asked struct {
		Certificate string
		Reason      int
	}
	if err := json.Unmarshal(c.payload, &asked); err != nil {
		return err
	}
	for _, issued := range s.certs {
		switch {
		case string(issued.leaf.Raw) != string(decode(asked.Certificate)):
			continue
		case issued.order.account != c.account:
			return Problem{Status: http.StatusForbidden, Type: "unauthorized", Detail: "it is not the account's"}
		case issued.revoked != nil:
			return Problem{Type: "alreadyRevoked", Detail: "it is revoked already"}
		}
		issued.revoked = &asked.Reason
		w.WriteHeader(http.StatusOK)
		return nil
	}
	return missing
}

func certID(leaf *x509.Certificate) string {
	return base64.RawURLEncoding.EncodeToString(leaf.AuthorityKeyId) + "." + base64.RawURLEncoding.EncodeToString(leaf.SerialNumber.Bytes())
}

// replaceable refuses what is no certificate, or was replaced (RFC 9773, section 5).
func (s *Server) replaceable(id string) error {
	if id == "" {
		return nil
	}
	for _, o := range s.orders {
		if o.replaces == id && o.state != acme.Invalid {
			return Problem{Status: http.StatusConflict, Type: "alreadyReplaced", Detail: "the certificate was replaced"}
		}
	}
	for _, c := range s.certs {
		if certID(c.leaf) == id {
			return nil
		}
	}
	return Problem{Status: http.StatusNotFound, Type: "malformed", Detail: "there is no certificate to replace"}
}

func (s *Server) renewalInfo(w http.ResponseWriter, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.certs {
		if certID(c.leaf) != id {
			continue
		}
		third := c.leaf.NotAfter.Sub(c.leaf.NotBefore) / 3
		start, end := c.leaf.NotBefore.Add(2*third), c.leaf.NotBefore.Add(2*third+third/10)
		if s.options.Window != nil {
			start, end = s.options.Window(c.leaf.NotBefore, c.leaf.NotAfter)
		}
		w.Header().Set("Retry-After", "21600")
		s.answer(w, http.StatusOK, map[string]any{
			"suggestedWindow": map[string]any{"start": start, "end": end}, "explanationURL": s.base + "/why"})
		return
	}
	s.refuse(w, missing)
}
