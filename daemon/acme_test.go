package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/acme/acmetest"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func acmeAt(server *acmetest.Server) cmapi.IssuerConfig {
	return cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{
		Server: server.Directory().URL, Email: "ops@example.com",
		PrivateKey: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "le-account"}},
	}}
}

func (w *world) acmeIssuerSays() string {
	w.Helper()
	i, err := w.user.CertManager.CertmanagerV1().Issuers(ns).Get(w.ctx, "le", metav1.GetOptions{})
	w.must(err)
	if len(i.Status.Conditions) != 1 {
		return ""
	}
	c := i.Status.Conditions[0]
	return string(c.Status) + " " + c.Reason + ": " + c.Message
}

// An issuer is registered once, whatever restarts. A pause shows on it, which
// also wakes whoever waits for it, and ends by itself.
func TestACMEAccounts(t *testing.T) {
	bubble(t, func(w *world) {
		server := acmetest.New(t, acmetest.Options{})
		w.acme = server.Transport()
		r := w.start()
		w.create(issuer("le", acmeAt(server)))
		w.rest()
		const registered = "True ACMEAccountRegistered: The ACME account is registered"
		if got := w.acmeIssuerSays(); got != registered {
			t.Errorf("got %s", got)
		}
		got := r.series(w)
		for _, name := range []string{
			"certmanager_http_acme_client_request_count{action=get_directory,host=acme.test,method=GET,scheme=https,status=200}",
			"certmanager_http_acme_client_request_count{action=new_nonce,host=acme.test,method=HEAD,scheme=https,status=200}",
			"certmanager_http_acme_client_request_count{action=new_account,host=acme.test,method=POST,scheme=https,status=201}",
		} {
			if got[name] != 1 {
				t.Errorf("%s is %v, want 1", name, got[name])
			}
		}
		w.must(r.stop())
		w.start()
		if n := server.Calls("new_account") + server.Calls("get_directory"); n != 2 {
			t.Errorf("%d calls, want no more than those of the first daemon", n)
		}

		server.Fail("new_order", 1, acmetest.Problem{Status: 429, Type: "rateLimited", Detail: "too many orders", RetryAfter: "600"})
		w.create(certificate("web", "le"))
		w.rest()
		if got, want := w.acmeIssuerSays(), registered+"; paused until "; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, ", as the ACME server asks: rateLimited: too many orders") {
			t.Errorf("got %s", got)
		}
		calls := server.Calls("")
		w.wait(5 * time.Minute)
		if n := server.Calls("") - calls; n != 0 {
			t.Errorf("%d calls during the pause", n)
		}
		w.wait(5 * time.Minute)
		if got := w.acmeIssuerSays(); got != registered {
			t.Errorf("after the pause: %s", got)
		}
		if n := server.Calls("new_order"); n != 2 {
			t.Errorf("newOrder was called %d times, want 2", n)
		}
	})
}
