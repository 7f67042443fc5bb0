package gate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"github.com/certwright/certwright/test/harness"
)

// Gate passes requests on to an ACME server.
type Gate struct {
	// Address is host:port.
	Address string

	server *http.Server
	proxy  *httputil.ReverseProxy

	mu      sync.Mutex
	calls   []Call
	answers map[Action][]Answer
	trouble int // of a hundred requests
	closed  bool
}

// Open opens a gate before the server at host:port. Both identify themselves by
// certificates of the same authority.
func Open(backend string, authority *harness.Authority) (*Gate, error) {
	identity, err := authority.Server()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &Gate{Address: listener.Addr().String(), answers: map[Action][]Answer{}}
	g.proxy = g.newProxy(backend, authority)
	g.server = &http.Server{Handler: g, ErrorLog: log.New(nowhere{}, "", 0), ReadHeaderTimeout: 10 * time.Second}
	own := tls.Certificate{Certificate: [][]byte{identity.Certificate.Raw}, PrivateKey: identity.Key}
	config := &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
	go func() { _ = g.server.Serve(tls.NewListener(listener, config)) }() // until Close
	return g, nil
}

// nowhere drops complaints about connections that we cut on purpose.
type nowhere struct{}

// Write forgets.
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (g *Gate) newProxy(backend string, authority *harness.Authority) *httputil.ReverseProxy {
	trusted := x509.NewCertPool()
	trusted.AddCert(authority.Root())
	target := &url.URL{Scheme: "https", Host: backend}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // the server's URLs lead through us
		},
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 20},
		ErrorLog:  log.New(nowhere{}, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			panic(http.ErrAbortHandler) // the server is away, and so are we
		},
	}
}

// Directory is the URL of the ACME directory, through the gate.
func (g *Gate) Directory() string { return "https://" + g.Address + "/dir" }

// Close ends the gate.
func (g *Gate) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := g.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return g.server.Close()
}

// ServeHTTP notes a request and answers it or passes it on.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, err := read(r)
	if err != nil {
		panic(http.ErrAbortHandler) // whoever asked has gone
	}
	answer, fault, closed := g.decide(call.Action)
	noting := &noting{ResponseWriter: w}
	defer func() { g.note(call, noting.status) }()
	switch {
	case closed || fault == cutBefore:
		panic(http.ErrAbortHandler)
	case answer != nil:
		answer.write(noting)
	case fault == broken:
		Answer{Status: http.StatusInternalServerError, Type: "serverInternal", Detail: "the server has a bad day"}.write(noting)
	case fault == cutAfter:
		g.proxy.ServeHTTP(&lost{noting: noting}, r)
		panic(http.ErrAbortHandler)
	default:
		g.proxy.ServeHTTP(noting, r)
	}
}

// noting remembers the status that was answered; 0 when there was no answer.
type noting struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (n *noting) WriteHeader(status int) {
	if n.status == 0 {
		n.status = status
	}
	n.ResponseWriter.WriteHeader(status)
}

// lost is an answer that the server gave and nobody got.
type lost struct {
	noting *noting
	header http.Header
}

// Header is never sent.
func (l *lost) Header() http.Header {
	if l.header == nil {
		l.header = http.Header{}
	}
	return l.header
}

// WriteHeader only notes the status.
func (l *lost) WriteHeader(status int) { l.noting.status = status }

// Write drops the answer.
func (l *lost) Write(p []byte) (int, error) { return len(p), nil }
