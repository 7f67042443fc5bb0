package vault

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"time"

	"github.com/certwright/certwright/handlers/issuers"

	vaultapi "github.com/hashicorp/vault/api"
)

// answerTime is for a whole call. It is long because a request whose answer is
// not waited for may have been signed.
const answerTime = time.Minute

// newClient makes a client without a token. extra is a certificate to log in
// with; nil: none.
func newClient(m material, extra *tls.Certificate) (*vaultapi.Client, error) {
	spec := m.spec()
	address, err := url.Parse(spec.Server)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return nil, unfit("spec.vault.server: %q is no address: write it like https://vault.example.com:8200", spec.Server)
	}
	secure, err := tlsConfig(m, extra)
	if err != nil {
		return nil, err
	}
	config := &vaultapi.Config{
		Address: spec.Server, Timeout: answerTime,
		// Nothing is tried again below the queue, least of all a signature.
		MaxRetries: 0,
		HttpClient: &http.Client{
			Transport:     issuers.Transport(secure),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	client, err := vaultapi.NewClient(config)
	if err != nil {
		return nil, unfit("spec.vault.server: %q cannot be used: write it like https://vault.example.com:8200", spec.Server)
	}
	// The library takes these from the environment, which is the daemon's and
	// not the issuer's.
	client.ClearToken()
	client.ClearNamespace()
	if spec.Namespace != "" {
		client.SetNamespace(spec.Namespace)
	}
	return client, nil
}

func tlsConfig(m material, extra *tls.Certificate) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: m.spec().ServerName}
	if len(m.roots) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(m.roots) {
			field := "caBundle"
			if m.spec().CABundleSecretRef != nil {
				field = "caBundleSecretRef"
			}
			return nil, unfit("spec.vault.%s: there is no certificate in it: give Vault's CA in PEM", field)
		}
	}
	for _, own := range []*tls.Certificate{extra, m.own} {
		if own != nil {
			config.Certificates = append(config.Certificates, *own)
		}
	}
	return config, nil
}
