package venafitest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The credentials that a Server takes.
const (
	User         = "issuer"
	Password     = "standin-password"
	AccessToken  = "standin-access-token"
	APIKey       = "standin-api-key"
	ClientSecret = "standin-client-secret"
)

// The zones that it knows.
const (
	TPPZone   = `Certificates\web`
	CloudZone = `shop\web`
	NGTSZone  = `web`
)

// slowness is how long what is slow takes.
const slowness = 2 * time.Second

// Server is the stand-in. It is an http.Handler.
type Server struct {
	mu     sync.Mutex
	key    *ecdsa.PrivateKey
	ca     *x509.Certificate
	tokens map[string]bool
	logins int
	orders map[string]*order // by pickup id
	down   bool
}

// order is a request that was taken.
type order struct {
	csr    *x509.CertificateRequest
	fields map[string][]string
	looks  int
	good   bool   // it was approved
	chain  []byte // once issued
}

// New makes a Server with a new CA.
func New() (*Server, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Venafi stand-in CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	ca, err := x509.ParseCertificate(der)
	return &Server{key: key, ca: ca, tokens: map[string]bool{AccessToken: true}, orders: map[string]*order{}}, err
}

// Down has every call answered with HTTP 503, or not any more.
func (s *Server) Down(down bool) { s.set(func() { s.down = down }) }

// Approve has what waits for approval now issued.
func (s *Server) Approve() {
	s.set(func() {
		for _, o := range s.orders {
			o.good = true
		}
	})
}

// Expire ends every token that was given out, and that of the constant too.
func (s *Server) Expire() { s.set(func() { clear(s.tokens) }) }

func (s *Server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Counts tells how many logins there were, requests taken, and certificates issued.
func (s *Server) Counts() (logins, taken, issued int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.chain != nil {
			issued++
		}
	}
	return s.logins, len(s.orders), issued
}

// Fields are the custom fields of the request with that common name.
func (s *Server) Fields(name string) map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.csr.Subject.CommonName == name {
			return o.fields
		}
	}
	return nil
}

// ServeHTTP answers as one of the three kinds of server, by the path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, "/ngts"), "/")
	switch {
	case down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case strings.HasPrefix(path, "vedsdk") || strings.HasPrefix(path, "vedauth"):
		s.tpp(w, r, path)
	case strings.HasPrefix(path, "standin/"):
		s.control(w, path)
	case path == "oauth2/access_token":
		s.ngtsToken(w, r)
	default:
		s.cloud(w, r, path)
	}
}

// control lets another process tell the Server what its methods do here.
func (s *Server) control(w http.ResponseWriter, path string) {
	switch path {
	case "standin/approve":
		s.Approve()
	case "standin/expire":
		s.Expire()
	case "standin/counts":
		logins, taken, issued := s.Counts()
		reply(w, http.StatusOK, map[string]int{"logins": logins, "taken": taken, "issued": issued})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// newToken gives out a token; the lock is held.
func (s *Server) newToken() string {
	s.logins++
	token := fmt.Sprintf("%s-%d", AccessToken, s.logins)
	s.tokens[token] = true
	return token
}

// errRefused is what is not taken.
var errRefused = errors.New("the certificate authority does not issue for that name")

// take takes a request.
func (s *Server) take(text string, fields map[string][]string) (id string, err error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return "", errors.New("the CSR is no PEM")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return "", err
	}
	name := csr.Subject.CommonName
	if strings.HasPrefix(name, "refused.") {
		return "", errRefused
	}
	if strings.HasPrefix(name, "slow.") {
		wait(slowness)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id = fmt.Sprintf("order-%d", len(s.orders)+1)
	s.orders[id] = &order{csr: csr, fields: fields}
	return id, nil
}

func wait(d time.Duration) { <-time.After(d) }

// The ends of a look.
const (
	issued   = "ISSUED"
	pending  = "PENDING_APPROVAL"
	rejected = "REJECTED_APPROVAL"
)

// look tells what has come of a request.
func (s *Server) look(id string) (status string, chain []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[id]
	if o == nil {
		return "", nil, errors.New("there is no such request")
	}
	o.looks++
	kind, _, _ := strings.Cut(o.csr.Subject.CommonName, ".")
	switch {
	case kind == "rejected":
		return rejected, nil, nil
	case kind == "pending" && o.looks < 3, kind == "approval" && !o.good:
		return pending, nil, nil
	}
	if o.chain == nil {
		if o.chain, err = s.sign(o.csr, kind == "other"); err != nil {
			return "", nil, err
		}
	}
	return issued, o.chain, nil
}

// sign makes the certificate, and puts the CA behind it.
func (s *Server) sign(csr *x509.CertificateRequest, otherKey bool) ([]byte, error) {
	public := csr.PublicKey
	if otherKey {
		public = s.key.Public()
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: csr.Subject, DNSNames: csr.DNSNames, IPAddresses: csr.IPAddresses, URIs: csr.URIs,
		EmailAddresses: csr.EmailAddresses, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().AddDate(0, 3, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}, s.ca, public, s.key)
	if err != nil {
		return nil, err
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.ca.Raw})...), nil
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client may be gone
}
