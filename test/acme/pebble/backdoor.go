package pebble

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/certwright/certwright/test/harness"
)

func clientTrusting(root *harness.Authority) *http.Client {
	trusted := x509.NewCertPool()
	trusted.AddCert(root.Root())
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}},
	}
}

// answers asks both listeners, which open one after the other.
func (s *Server) answers(ctx context.Context) error {
	if _, err := s.get(ctx, s.Directory()); err != nil {
		return err
	}
	_, err := s.Root(ctx, 0)
	return err
}

// Root is the root that certificates of this life of the server chain up to; 0
// is that of the default chain, the alternates follow.
func (s *Server) Root(ctx context.Context, number int) (*x509.Certificate, error) {
	text, err := s.get(ctx, fmt.Sprintf("https://%s/roots/%d", s.Management, number))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("root %d of pebble is no PEM", number)
	}
	return x509.ParseCertificate(block.Bytes)
}

// SuggestRenewal has the server answer RFC 9773 requests about a certificate,
// given as PEM with the leaf first, with this window and explanation.
func (s *Server) SuggestRenewal(ctx context.Context, certificate []byte, start, end time.Time, explanation string) error {
	answer, err := json.Marshal(map[string]any{
		"suggestedWindow": map[string]string{"start": start.UTC().Format(time.RFC3339), "end": end.UTC().Format(time.RFC3339)},
		"explanationURL":  explanation,
	})
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"Certificate": string(certificate), "ARIResponse": string(answer)})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+s.Management+"/set-renewal-info/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	_, err = s.do(request)
	return err
}

// Revoked tells whether the server has revoked a certificate.
func (s *Server) Revoked(ctx context.Context, leaf *x509.Certificate) (bool, error) {
	text, err := s.get(ctx, fmt.Sprintf("https://%s/cert-status-by-serial/%x", s.Management, leaf.SerialNumber))
	return strings.Contains(string(text), "Revoked"), err
}

func (s *Server) get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return s.do(request)
}

func (s *Server) do(request *http.Request) ([]byte, error) {
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", request.Method, request.URL.Path, response.Status, bytes.TrimSpace(body))
	}
	return body, err
}
