package acme

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Times for one request. 90 s is the contract's (section 1.3): CAs that issue
// within the answer to finalize are slow. A server that does not even take the
// connection is known to be away much sooner.
const (
	requestTimeout = 90 * time.Second
	dialTimeout    = 10 * time.Second
)

// trustKey tells one way of trusting a server from another.
func (d Directory) trustKey() string {
	return fmt.Sprintf("%t %x", d.SkipTLSVerify, sha256.Sum256(d.CABundle))
}

// Check refuses a directory that no request can be made of. Errors: an *[Error].
func (d Directory) Check() error {
	u, err := url.Parse(d.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return &Error{Class: Refused, Detail: fmt.Sprintf(
			"spec.acme.server: %.200q is no URL of a server: set the URL of the CA's ACME directory, such as https://acme.example.com/directory", d.URL)}
	}
	return nil
}

// httpClient is the one client for all servers that are trusted alike.
func (c *Client) httpClient(d Directory) (*http.Client, error) {
	key := d.trustKey()
	if known := c.trusts[key]; known != nil {
		return known, nil
	}
	base := c.options.Transport
	if base == nil {
		network, err := newTransport(d)
		if err != nil {
			return nil, err
		}
		base = network
	}
	made := &http.Client{Transport: &recorder{base: base, options: &c.options}, Timeout: requestTimeout}
	c.trusts[key] = made
	return made, nil
}

func newTransport(d Directory) (*http.Transport, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: d.SkipTLSVerify} //nolint:gosec // the Issuer asks for it
	if len(d.CABundle) > 0 {
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(d.CABundle) {
			return nil, &Error{Class: Refused, Detail: "spec.acme.caBundle: no certificate can be read in it: set the CA certificates, as PEM, by which the ACME server is known"}
		}
	}
	return &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,

		TLSClientConfig: trust, TLSHandshakeTimeout: dialTimeout, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, ExpectContinueTimeout: time.Second,
	}, nil
}
