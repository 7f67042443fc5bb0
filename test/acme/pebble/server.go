package pebble

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/certwright/certwright/test/acme/binaries"
	"github.com/certwright/certwright/test/harness"
)

// Options say how the server behaves.
type Options struct {
	// Dir is an empty folder for its files and its log.
	Dir string
	// Log receives a line at a time about a first build.
	Log io.Writer
	// TLS signs the server's own certificate; see Server.CABundle.
	TLS *harness.Authority
	// DNS is host:port of the DNS server that it asks about everything.
	DNS string
	// Host is the address at which it listens, 127.0.0.1 when empty.
	Host string
	// HTTPPort is where it looks for HTTP-01.
	HTTPPort int
	// NonceReject is how many good nonces of a hundred it refuses.
	NonceReject int
	// Reuse is how many of a hundred authorizations it takes from earlier
	// orders, where there are valid ones.
	Reuse int
	// Keys are key id and MAC key (base64url) of external accounts; when there
	// are some, each new account must be bound to one.
	Keys map[string]string
	// Blocked are names that it never certifies.
	Blocked []string
	// AlternateRoots is how many more chains it offers for a certificate.
	AlternateRoots int
	// Profiles are the lives of certificates by profile; one of 90 days, called
	// default, when empty.
	Profiles map[string]time.Duration
	// Dawdle makes each validation take up to that long, in whole seconds.
	Dawdle time.Duration
	// RetryAfter is the Retry-After of pending orders and authorizations, in
	// whole seconds; one second when 0.
	RetryAfter time.Duration
}

// Server is a pebble that runs.
type Server struct {
	// Address is host:port of the ACME server, Management of its back door.
	Address, Management string
	// CABundle is what its TLS certificate chains up to, as PEM.
	CABundle []byte

	process *harness.Process
	client  *http.Client
}

// Start starts a server and waits until it answers.
func Start(ctx context.Context, o Options) (*Server, error) {
	path, err := binaries.Pebble(ctx, o.Log)
	if err != nil {
		return nil, err
	}
	ports, err := harness.FreePorts(2)
	if err != nil {
		return nil, err
	}
	host := cmp.Or(o.Host, "127.0.0.1")
	s := &Server{
		Address: fmt.Sprintf("%s:%d", host, ports[0]), Management: fmt.Sprintf("%s:%d", host, ports[1]),
		CABundle: o.TLS.PEM(), client: clientTrusting(o.TLS),
	}
	configuration, err := s.furnish(o)
	if err != nil {
		return nil, err
	}
	s.process, err = harness.StartProcess(harness.ProcessOptions{
		Name: "pebble", Path: path, Dir: o.Dir, Env: o.environment(),
		Args: []string{"-config", configuration, "-dnsserver", o.DNS},
	})
	if err != nil {
		return nil, err
	}
	return s, s.process.Until(ctx, s.answers)
}

// Directory is the URL of the ACME directory.
func (s *Server) Directory() string { return "https://" + s.Address + "/dir" }

// Stop ends the server.
func (s *Server) Stop() { s.process.Stop() }

// Restart ends the server, which forgets everything, and starts it again.
func (s *Server) Restart(ctx context.Context) error {
	s.process.Stop()
	if err := s.process.Start(); err != nil {
		return err
	}
	return s.process.Until(ctx, s.answers)
}

// Log is everything the server has said.
func (s *Server) Log() string { return s.process.Log() }

// environment is the part of the options that pebble reads there.
func (o Options) environment() []string {
	env := []string{
		fmt.Sprintf("PEBBLE_WFE_NONCEREJECT=%d", o.NonceReject),
		fmt.Sprintf("PEBBLE_AUTHZREUSE=%d", o.Reuse),
		fmt.Sprintf("PEBBLE_ALTERNATE_ROOTS=%d", o.AlternateRoots),
	}
	if seconds := int(o.Dawdle.Seconds()); seconds > 0 {
		return append(env, fmt.Sprintf("PEBBLE_VA_SLEEPTIME=%d", seconds))
	}
	return append(env, "PEBBLE_VA_NOSLEEP=1")
}

// furnish writes the files that pebble reads and returns the configuration's path.
func (s *Server) furnish(o Options) (string, error) {
	identity, err := o.TLS.Server(net.ParseIP(cmp.Or(o.Host, "127.0.0.1")))
	if err != nil {
		return "", err
	}
	key, err := identity.KeyPEM()
	if err != nil {
		return "", err
	}
	configuration, err := json.Marshal(map[string]any{"pebble": s.configuration(o)})
	if err != nil {
		return "", err
	}
	path := filepath.Join(o.Dir, "pebble.json")
	for file, content := range map[string][]byte{
		path: configuration, filepath.Join(o.Dir, "tls.crt"): identity.PEM(), filepath.Join(o.Dir, "tls.key"): key,
	} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return "", err
		}
	}
	return path, nil
}

func (s *Server) configuration(o Options) map[string]any {
	type profile struct {
		Description    string
		ValidityPeriod int
	}
	profiles := map[string]profile{}
	for name, life := range o.Profiles {
		profiles[name] = profile{"for " + life.String(), int(life.Seconds())}
	}
	if len(profiles) == 0 {
		profiles["default"] = profile{"for 90 days", 90 * 24 * 3600}
	}
	seconds := max(1, int(o.RetryAfter.Seconds()))
	return map[string]any{
		"listenAddress": s.Address, "managementListenAddress": s.Management,
		"certificate": "tls.crt", "privateKey": "tls.key",
		"httpPort": o.HTTPPort, "tlsPort": 1, // nothing of ours proves through TLS-ALPN-01
		"externalAccountBindingRequired": len(o.Keys) > 0, "externalAccountMACKeys": o.Keys,
		"domainBlocklist": o.Blocked, "keyAlgorithm": "ecdsa", "profiles": profiles,
		"retryAfter": map[string]int{"authz": seconds, "order": seconds},
	}
}
