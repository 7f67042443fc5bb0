package stepca

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/certwright/certwright/test/acme/binaries"
	"github.com/certwright/certwright/test/harness"
)

// Server is a step-ca that runs.
type Server struct {
	// Address is host:port.
	Address string
	// Root signs all that it issues, and its own TLS certificate.
	Root *harness.Authority

	process *harness.Process
}

// Start starts a server at 127.0.0.1 and waits until it answers. The folder is
// for its files and its log. It looks for HTTP-01 on port 80, and asks the
// machine's resolver.
func Start(ctx context.Context, log io.Writer, dir string) (*Server, error) {
	path, err := binaries.StepCA(ctx, log)
	if err != nil {
		return nil, err
	}
	ports, err := harness.FreePorts(1)
	if err != nil {
		return nil, err
	}
	s := &Server{Address: fmt.Sprintf("127.0.0.1:%d", ports[0])}
	if err := s.furnish(dir); err != nil {
		return nil, err
	}
	s.process, err = harness.StartProcess(harness.ProcessOptions{
		Name: "step-ca", Path: path, Dir: dir, Args: []string{filepath.Join(dir, "ca.json")}, Env: []string{"STEPPATH=" + dir},
	})
	if err != nil {
		return nil, err
	}
	return s, s.process.Until(ctx, s.answers)
}

// Directory is the URL of the ACME directory.
func (s *Server) Directory() string { return "https://" + s.Address + "/acme/acme/directory" }

// CABundle is what its TLS certificate chains up to, as PEM.
func (s *Server) CABundle() []byte { return s.Root.PEM() }

// Stop ends the server.
func (s *Server) Stop() { s.process.Stop() }

// Log is everything it has said.
func (s *Server) Log() string { return s.process.Log() }

func (s *Server) furnish(dir string) (err error) {
	if s.Root, err = harness.NewRoot("step-ca's root"); err != nil {
		return err
	}
	between, err := s.Root.Sub("step-ca's intermediate")
	if err != nil {
		return err
	}
	key, err := between.KeyPEM()
	if err != nil {
		return err
	}
	configuration, err := json.Marshal(s.configuration())
	if err != nil {
		return err
	}
	intermediate := between.PEM()[:len(between.PEM())-len(s.Root.PEM())] // without the root
	for name, content := range map[string][]byte{
		"ca.json": configuration, "root.crt": s.Root.PEM(), "ca.crt": intermediate, "ca.key": key,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return os.Mkdir(filepath.Join(dir, "db"), 0o700)
}

// configuration is in the words of step-ca, with paths from its folder.
func (s *Server) configuration() map[string]any {
	return map[string]any{
		"root": "root.crt", "crt": "ca.crt", "key": "ca.key", "address": s.Address,
		"dnsNames": []string{"127.0.0.1", "localhost"}, "logger": map[string]string{"format": "text"},
		"db": map[string]string{"type": "badgerv2", "dataSource": "db"},
		"authority": map[string]any{"provisioners": []map[string]any{{
			"type": "ACME", "name": "acme", "challenges": []string{"http-01", "dns-01"},
			"claims": map[string]string{"defaultTLSCertDuration": "2160h", "maxTLSCertDuration": "2160h"},
		}}},
	}
}

func (s *Server) answers(ctx context.Context) error {
	trusted := x509.NewCertPool()
	trusted.AddCert(s.Root.Certificate)
	client := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Directory(), nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", s.Directory(), response.Status)
	}
	return nil
}
