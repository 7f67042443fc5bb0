package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/certwright/certwright/test/harness"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

// What handlers/issuers/venafi/venafitest takes.
const (
	venafiUser         = "issuer"
	venafiPass         = "standin-password"
	venafiAccessToken  = "standin-access-token"
	venafiAPIKey       = "standin-api-key"
	venafiClientSecret = "standin-client-secret"
	tppZone            = `Certificates\web`
	cloudZone          = `shop\web`
	ngtsZone           = `web`
	venafiRoot         = "Venafi stand-in CA"
)

// venafiStandin is the stand-in in a process of its own.
type venafiStandin struct {
	process *harness.Process
	url     string
	http    *http.Client
}

func startVenafi(ctx context.Context, p *proof) (*venafiStandin, error) {
	ports, err := harness.FreePorts(1)
	if err != nil {
		return nil, err
	}
	cert, key, err := p.serverFiles("venafi")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(p.root.PEM())
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	v := &venafiStandin{url: "https://" + address, http: &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}, Timeout: 10 * time.Second,
	}}
	v.process, err = harness.StartProcess(harness.ProcessOptions{
		Name: "venafi-standin", Path: p.programs.venafi, Dir: p.Dir, Args: []string{"-listen", address, "-cert", cert, "-key", key},
	})
	if err != nil {
		return nil, err
	}
	return v, v.process.Until(ctx, func(ctx context.Context) error {
		_, err := v.tell(ctx, "counts")
		return err
	})
}

// tell has the stand-in do something, and returns what it counts.
func (v *venafiStandin) tell(ctx context.Context, what string) (counts map[string]int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+"/standin/"+what, nil)
	if err != nil {
		return nil, err
	}
	answer, err := v.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if what == "counts" {
		err = json.NewDecoder(answer.Body).Decode(&counts)
	}
	return counts, err
}

// byVenafi has an Issuer made, with its Secret, and everything issued by it
// that a server does: at once, slowly, after a while, after an approval; and
// turned down, and not taken.
func (p *proof) byVenafi(ctx context.Context, spec func(roots []byte) cmapi.VenafiIssuer, credentials map[string]string, expires bool) (string, error) {
	namespace, err := p.space(ctx)
	if err != nil {
		return "", err
	}
	if err := p.secret(ctx, namespace, "venafi", credentials); err != nil {
		return "", err
	}
	config := spec(p.root.PEM())
	if err := p.issuer(ctx, namespace, "venafi", cmapi.IssuerConfig{Venafi: &config}); err != nil {
		return "", err
	}
	if err := p.says(ctx, namespace, "venafi", true); err != nil {
		return "", err
	}
	before, err := p.venafi.tell(ctx, "counts")
	if err != nil {
		return "", err
	}
	ref := issuerRef("venafi")
	good := []string{"web", "slow", "pending", "approval"}
	for _, name := range good {
		if err := p.certificate(ctx, namespace, name, name+".example.com", ref); err != nil {
			return "", err
		}
	}
	for name, said := range map[string]string{"rejected": "did not issue the certificate: The approver has turned the request down", "refused": "the certificate authority does not issue for that name", "other": "for another request"} {
		if config.TPP == nil && name == "rejected" {
			said = "was not approved (REJECTED_APPROVAL)"
		}
		if err := p.fails(ctx, namespace, name, name+".example.com", ref, said); err != nil {
			return "", err
		}
	}
	if err := p.fails(ctx, namespace, "foreign", "web.example.org", ref, "the policy of zone", "refuses the request", "ask for what the zone allows"); err != nil {
		return "", err
	}
	if err := p.waits(ctx, namespace, "approval", "has the request and has not issued it yet"); err != nil {
		return "", err
	}
	if expires {
		if _, err := p.venafi.tell(ctx, "expire"); err != nil {
			return "", err
		}
	}
	if _, err := p.venafi.tell(ctx, "approve"); err != nil {
		return "", err
	}
	for _, name := range good {
		secret, err := p.issued(ctx, namespace, name)
		if err != nil {
			return "", err
		}
		if err := chain(secret, 1, venafiRoot); err != nil {
			return "", err
		}
	}
	after, err := p.venafi.tell(ctx, "counts")
	if err != nil {
		return "", err
	}
	// One for each that is good, and for those it took and did not issue rightly.
	if taken := after["taken"] - before["taken"]; taken != len(good)+2 {
		p.doubles += max(0, taken-len(good)-2)
		return "", fmt.Errorf("%d requests were taken for %d", taken, len(good)+2)
	}
	expired := ""
	if expires {
		expired = ", its token expired meanwhile"
	}
	return fmt.Sprintf("issued at once, slowly, later and when approved%s; turned down, refused, and against the policy; %d logins",
		expired, after["logins"]-before["logins"]), nil
}

// waits wants the request of a Certificate to say what it waits for.
func (p *proof) waits(ctx context.Context, namespace, name string, parts ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := p.Clients.Certificates().Until(ctx, namespace, name, func(crt *cmapi.Certificate) bool {
		c := harness.Condition(crt, cmapi.CertificateConditionIssuing)
		return c != nil && c.Status == "True" && hasAll(c.Message, parts)
	})
	return err
}

// credentials refers to the Secret of a row.
var credentials = cmmeta.LocalObjectReference{Name: "venafi"}

func (p *proof) tpp(roots []byte) cmapi.VenafiIssuer {
	return cmapi.VenafiIssuer{Zone: tppZone, TPP: &cmapi.VenafiTPP{URL: p.venafi.url + "/vedsdk", CredentialsRef: credentials, CABundle: roots}}
}

func (p *proof) cloud([]byte) cmapi.VenafiIssuer {
	return cmapi.VenafiIssuer{Zone: cloudZone, Cloud: &cmapi.VenafiCloud{
		URL: p.venafi.url, APITokenSecretRef: cmmeta.SecretKeySelector{LocalObjectReference: credentials},
	}}
}

func (p *proof) ngts([]byte) cmapi.VenafiIssuer {
	return cmapi.VenafiIssuer{Zone: ngtsZone, NGTS: &cmapi.VenafiNGTS{
		URL: p.venafi.url + "/ngts", TokenEndpoint: p.venafi.url + "/oauth2/access_token", TSGID: "1234567890", CredentialsRef: credentials,
	}}
}

func venafiToken(ctx context.Context, p *proof) (string, error) {
	return p.byVenafi(ctx, p.tpp, map[string]string{"access-token": venafiAccessToken}, false)
}

func venafiPassword(ctx context.Context, p *proof) (string, error) {
	return p.byVenafi(ctx, p.tpp, map[string]string{"username": venafiUser, "password": venafiPass}, true)
}

func venafiCloud(ctx context.Context, p *proof) (string, error) {
	return p.byVenafi(ctx, p.cloud, map[string]string{"api-key": venafiAPIKey}, false)
}

func venafiNGTS(ctx context.Context, p *proof) (string, error) {
	return p.byVenafi(ctx, p.ngts, map[string]string{"client-id": "me", "client-secret": venafiClientSecret}, true)
}

// venafiBadInput wants each fault told with its field and remedy.
func venafiBadInput(ctx context.Context, p *proof) (string, error) {
	password := map[string]string{"username": venafiUser, "password": "standin-wrong-password"}
	faults := []struct {
		spec        cmapi.VenafiIssuer
		credentials map[string]string
		want        string
	}{
		{p.tpp(p.root.PEM()), password, "spec.venafi.tpp.credentialsRef: the server does not take the credentials in Secret "},
		{p.tpp(p.root.PEM()), map[string]string{"access-token": "standin-old-token"}, "The access token is invalid or has expired"},
		{p.tpp(p.Cluster.CA()), password, "spec.venafi.tpp.caBundle: the certificate of " + p.venafi.url},
		{p.cloud(nil), map[string]string{"api-key": "standin-wrong-key"}, "spec.venafi.cloud.apiTokenSecretRef: the server does not take the credentials"},
		{cmapi.VenafiIssuer{Zone: `Certificates\none`, TPP: p.tpp(p.root.PEM()).TPP}, map[string]string{"username": venafiUser, "password": venafiPass},
			`spec.venafi.zone: the server does not know "Certificates\\none"`},
		{cmapi.VenafiIssuer{Zone: tppZone, TPP: &cmapi.VenafiTPP{URL: "https://127.0.0.1:1/vedsdk", CredentialsRef: credentials}}, password,
			"spec.venafi.tpp.url: nothing listens at https://127.0.0.1:1/vedsdk"},
	}
	for _, f := range faults {
		namespace, err := p.space(ctx)
		if err != nil {
			return "", err
		}
		if err := p.secret(ctx, namespace, "venafi", f.credentials); err != nil {
			return "", err
		}
		if err := p.issuer(ctx, namespace, "venafi", cmapi.IssuerConfig{Venafi: &f.spec}); err != nil {
			return "", err
		}
		if err := p.says(ctx, namespace, "venafi", false, f.want); err != nil {
			return "", fmt.Errorf("want %q: %w", f.want, err)
		}
		if err := p.told(ctx, namespace, "venafi", f.want); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d faults, each told with its field and remedy", len(faults)), nil
}
