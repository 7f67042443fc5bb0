package connection

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Reason is the heart of an error of the network, without the request that met
// it, so that it is the same for all requests.
func Reason(err error) string {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	return err.Error()
}

// Remedy says what to do about an error on the way to an API server; "" when
// the error is none of that kind.
func Remedy(err error) string {
	var untrusted x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var lookup *net.DNSError
	var plain tls.RecordHeaderError
	var request *url.Error
	var network *net.OpError // not net.Error, which every system error is too
	switch {
	case clientcmd.IsEmptyConfig(err):
		return "name a kubeconfig with --kubeconfig or KUBECONFIG, or run in a pod with a service account"
	case errors.As(err, &untrusted):
		return "the API server's certificate is not signed by the certificate authority of the kubeconfig (certificate-authority-data): it may belong to another cluster, or one made anew; fetch the kubeconfig again"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the API server's certificate does not hold now: renew it, or set this machine's clock (timedatectl)"
	case errors.As(err, &name):
		return "the API server's certificate is for other names: use one of them in the kubeconfig's server, or set its tls-server-name"
	case errors.As(err, &lookup):
		return "the name of the API server is not known to the DNS: check server in the kubeconfig, and /etc/resolv.conf"
	case errors.As(err, &plain):
		return "what answers there does not speak TLS: check server in the kubeconfig (https, port 6443?)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: check that the API server runs, and server in the kubeconfig"
	case errors.As(err, &request), errors.As(err, &network):
		return "the API server cannot be reached: check the network and firewalls on the way, that the API server runs, and that --kubeconfig and --context name the cluster that is meant"
	}
	return ""
}

// Whose says by what kind of credentials we are known, and nothing of what they
// hold that is secret.
func Whose(rc *rest.Config) string {
	switch {
	case rc.ExecProvider != nil:
		return "the program " + rc.ExecProvider.Command
	case rc.AuthProvider != nil:
		return "the provider " + rc.AuthProvider.Name
	case len(rc.CertData) > 0:
		if cert := leaf(rc.CertData); cert != nil {
			return fmt.Sprintf("client certificate of %q until %s", cert.Subject.CommonName, cert.NotAfter.UTC().Format(time.RFC3339))
		}
		return "client certificate"
	case rc.BearerTokenFile != "":
		return "token of " + rc.BearerTokenFile
	case rc.BearerToken != "":
		return "token"
	case rc.Username != "":
		return "password of " + rc.Username
	}
	return "nobody"
}

// Diagnose says what is the matter with credentials that are refused, and what
// to do.
func Diagnose(rc *rest.Config, now time.Time) string {
	const again = "; put a new one in its place: it is read again by itself"
	switch until, from := Validity(rc); {
	case rc.ExecProvider != nil:
		return "run " + rc.ExecProvider.Command + " by hand as this user: it is to print credentials that the API server takes"
	case !until.IsZero() && now.After(until):
		return "the " + Whose(rc) + " has expired at " + until.UTC().Format(time.RFC3339) + again
	case !from.IsZero() && now.Before(from):
		return "the " + Whose(rc) + " is valid from " + from.UTC().Format(time.RFC3339) + " only; set this machine's clock (timedatectl)"
	case Whose(rc) == "nobody":
		return "the kubeconfig has no credentials for this user: add a token, a client certificate or an exec plugin"
	}
	return "the " + Whose(rc) + " is not known there: it may have been withdrawn, or belong to another cluster" + again
}

// Validity is the time for which credentials hold, as far as they say it
// themselves; zero times otherwise.
func Validity(rc *rest.Config) (until, from time.Time) {
	if len(rc.CertData) > 0 {
		if cert := leaf(rc.CertData); cert != nil {
			return cert.NotAfter, cert.NotBefore
		}
		return until, from
	}
	parts := strings.Split(rc.BearerToken, ".")
	if len(parts) != 3 { // no JSON Web Token (RFC 7519)
		return until, from
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Exp int64 `json:"exp"`
		Nbf int64 `json:"nbf"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return until, from
	}
	if claims.Exp != 0 {
		until = time.Unix(claims.Exp, 0)
	}
	if claims.Nbf != 0 {
		from = time.Unix(claims.Nbf, 0)
	}
	return until, from
}

func leaf(chain []byte) *x509.Certificate {
	block, _ := pem.Decode(chain)
	if block == nil {
		return nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return cert
}
