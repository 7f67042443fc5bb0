package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/daemon/connection"
)

// atOnce is how many servers are asked at the same time.
const atOnce = 8

func (s Source) issuers(ctx context.Context, f *Facts) error {
	listed, err := s.listIssuers(ctx)
	if err != nil {
		return err
	}
	f.Issuers = make([]Issuer, len(listed))
	var asking sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for n, i := range listed {
		asking.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			f.Issuers[n] = s.issuer(ctx, i)
		})
	}
	asking.Wait()
	return nil
}

// issuer asks the server of one for what it tells everybody.
func (s Source) issuer(ctx context.Context, i cmapi.GenericIssuer) Issuer {
	out := Issuer{Kind: kindOf(i), Namespace: i.GetNamespace(), Name: i.GetName()}
	out.Ready, out.Message = readiness(i)
	began := s.Now()
	switch spec := i.GetSpec(); {
	case spec.ACME != nil:
		out.Type, out.URL = "ACME", spec.ACME.Server
		if spec.ACME.Solvers != nil {
			for _, solver := range spec.ACME.Solvers {
				if solver.HTTP01 != nil {
					out.Type = acmeByHTTP
				}
			}
		}
		out.Fault = ask(ctx, out.URL, spec.ACME.CABundle, spec.ACME.SkipTLSVerify, isDirectory)
	case spec.Vault != nil:
		out.Type, out.URL = "Vault", strings.TrimSuffix(spec.Vault.Server, "/")+"/v1/sys/health"
		if spec.Vault.CABundleSecretRef != nil {
			out.Unlooked = "its caBundleSecretRef is read by the daemon alone"
			break
		}
		out.Fault = ask(ctx, out.URL, spec.Vault.CABundle, false, isHealthy)
	case spec.Venafi != nil:
		out.Type = "Venafi"
	case spec.CA != nil:
		out.Type = "CA"
	default:
		out.Type = "SelfSigned"
	}
	out.Took = s.Now().Sub(began)
	return out
}

const acmeByHTTP = "ACME by HTTP-01"

// ask gets a page, and returns what is wrong with it.
func ask(ctx context.Context, address string, caBundle []byte, insecure bool, judge func(code int, page []byte) string) string {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "it is no URL"
	}
	trust := &tls.Config{InsecureSkipVerify: insecure} //nolint:gosec // as the issuer says, of which the doctor wants the consequences
	if len(caBundle) > 0 {
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(caBundle) {
			return "the issuer's caBundle holds no certificate"
		}
	}
	transport := &http.Transport{TLSClientConfig: trust, Proxy: http.ProxyFromEnvironment}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return connection.Reason(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err.Error()
	}
	return judge(response.StatusCode, page)
}

// isDirectory judges the directory of an ACME server (RFC 8555 section 7.1.1).
func isDirectory(code int, page []byte) string {
	var directory struct {
		NewNonce, NewOrder string
	}
	switch {
	case code != http.StatusOK:
		return fmt.Sprintf("status %d instead of a directory", code)
	case json.Unmarshal(page, &directory) != nil || directory.NewNonce == "" || directory.NewOrder == "":
		return "what it answers is no ACME directory; is the path of the URL right?"
	}
	return ""
}

// isHealthy judges the health page of Vault, whose status says it all.
func isHealthy(code int, _ []byte) string {
	switch code {
	case http.StatusOK, http.StatusTooManyRequests, 472, 473: // active, or a standby that passes on
		return ""
	case http.StatusNotImplemented:
		return "Vault is not initialized"
	case http.StatusServiceUnavailable:
		return "Vault is sealed"
	}
	return fmt.Sprintf("status %d instead of Vault's health", code)
}

// resolvers asks each name server that the daemon uses for a name that exists.
func (s Source) resolvers(ctx context.Context, f *Facts) error {
	servers := s.Options.DNS01RecursiveNameservers
	if len(servers) == 0 {
		var err error
		if servers, err = systemResolvers(); err != nil {
			return err
		}
	}
	for _, address := range servers {
		if strings.HasPrefix(address, "https://") {
			continue // DNS over HTTPS is another protocol; the self check speaks it
		}
		began := s.Now()
		r := Resolver{Address: address, Fault: resolve(ctx, address)}
		r.Took = s.Now().Sub(began)
		f.Resolvers = append(f.Resolvers, r)
	}
	return nil
}

// resolveTime is what an answer may take.
const resolveTime = 5 * time.Second

// resolve asks one server. That it does not know a name is an answer, too.
func resolve(ctx context.Context, address string) string {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	_, err := resolver.LookupNS(ctx, "example.com.")
	if unknown, is := errors.AsType[*net.DNSError](err); is && unknown.IsNotFound {
		return ""
	}
	if err != nil {
		return connection.Reason(err)
	}
	return ""
}

// systemResolvers are those of /etc/resolv.conf.
func systemResolvers() (all []string, err error) {
	content, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(content)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "nameserver" {
			all = append(all, net.JoinHostPort(words[1], "53"))
		}
	}
	return all, nil
}

// responder asks for a token that does not exist where tokens are answered.
func (s Source) responder(ctx context.Context, issuers []Issuer) Responder {
	out := Responder{Address: s.Options.ACMEHTTP01SolverAddress}
	for _, i := range issuers {
		out.Needed = out.Needed || i.Type == acmeByHTTP
	}
	if out.Address == "" || !out.Needed {
		return out
	}
	if _, _, err := net.SplitHostPort(out.Address); err != nil {
		_, port, _ := net.SplitHostPort(s.Options.ACMEHTTP01SolverListenAddress) // it was judged with the options
		out.Address = net.JoinHostPort(strings.Trim(out.Address, "[]"), port)
	}
	page := url.URL{Scheme: "http", Host: out.Address, Path: "/.well-known/acme-challenge/certwright-doctor"}
	out.Fault = ask(ctx, page.String(), nil, false, func(code int, _ []byte) string {
		if code == http.StatusNotFound {
			return ""
		}
		return fmt.Sprintf("status %d for a token that does not exist, instead of 404: somebody else answers there", code)
	})
	return out
}
