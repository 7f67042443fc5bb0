package acme

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/certwright/certwright/test/acme/gate"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// refused waits until the only request of a Certificate has failed for good,
// and looks for the words at the Order, the request and the Certificate.
func refused(s *site.Site, name string, words ...string) *cmacme.Order {
	s.Helper()
	order := s.AwaitOrder(final)
	s.Mentions(order.Status.Reason, words...)
	if order.Status.FailureTime == nil {
		s.Errorf("the Order tells no failureTime:\n%s", harness.Show(order))
	}
	_, message := s.RequestEnds(name+"-1", cmapi.CertificateRequestReasonFailed)
	s.Mentions(message, words...)
	crt := s.Await(name, func(crt *cmapi.Certificate) bool {
		c := harness.Condition(crt, cmapi.CertificateConditionIssuing)
		return c != nil && c.Status == cmmeta.ConditionFalse && crt.Status.FailedIssuanceAttempts != nil
	})
	s.Mentions(harness.Condition(crt, cmapi.CertificateConditionIssuing).Message, words...)
	return order
}

// TestRejectedIdentifier: what the CA does not certify is not asked for again.
func TestRejectedIdentifier(t *testing.T) {
	s := begin(t)
	s.OwnServer(pebble.Options{Blocked: []string{"blocked.http.test"}})
	s.Create("web", s.HTTP(), site.Names("blocked.http.test"))
	refused(s, "web", "blocked.http.test", "policy")
	s.Clean()
	if asked := s.Gate.Calls(gate.NewOrder); len(asked) != 1 {
		t.Errorf("the server was asked %d times, want once", len(asked))
	}
}

// TestUnauthorized: the daemon sees its proof, but the server another machine.
// What was still to be proved for the failed order is given up at the server.
func TestUnauthorized(t *testing.T) {
	s := begin(t)
	s.OwnServer(pebble.Options{})
	wrongMachine(t, s)
	wrong, waiting := s.HTTPName("www")+".elsewhere.http.test", s.HTTPName("waiting")
	wrong = strings.ReplaceAll(wrong, ".http.test.elsewhere", ".elsewhere")
	t.Cleanup(lost.lose(waiting))
	s.Create("web", s.HTTP(), site.Names(wrong, waiting))
	refused(s, "web", wrong, "nobody is here")
	s.Clean()
	s.Eventually("what is still pending is deactivated", func() error {
		for _, call := range s.Gate.Calls(gate.Authorization) {
			if call.Field("status") == "deactivated" && call.Status == http.StatusOK {
				return nil
			}
		}
		return fmt.Errorf("nothing was deactivated")
	})
}

// wrongMachine answers at 127.0.0.2 where the server looks for HTTP-01.
func wrongMachine(t *testing.T, s *site.Site) {
	t.Helper()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.2:%d", s.Parts.Ingress.Port))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "nobody is here") })}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
}

func TestProfileThatTheServerLacks(t *testing.T) {
	s := begin(t)
	config := s.Parts.Issuer(s.Gate, "account", parts.HTTP01())
	config.ACME.Profile = "imaginary"
	s.CreateIssuer("issuer", config)
	s.IssuerReady("issuer")
	s.Create("web", suite.IssuerRef("issuer"), site.Names(s.HTTPName("www")))
	refused(s, "web", "profile", "imaginary", shortLife)
}

// TestAddressThatTheServerRefuses and other refusals of a whole order, with
// the server's words.
func TestRefusalsOfNewOrder(t *testing.T) {
	for _, kind := range []string{"caa", "unsupportedIdentifier", "userActionRequired"} {
		t.Run(kind, func(t *testing.T) {
			s := begin(t)
			s.OwnServer(pebble.Options{})
			ref := s.HTTP()
			s.Gate.Answer(gate.NewOrder, 1, gate.Answer{Status: http.StatusForbidden, Type: kind, Detail: "these are the words of the server"})
			s.Create("web", ref, site.Names(s.HTTPName("www")))
			refused(s, "web", "these are the words of the server")
		})
	}
}

// TestExternalAccount: a server that wants accounts to be bound.
func TestExternalAccount(t *testing.T) {
	s := begin(t)
	s.OwnServer(pebble.Options{Keys: map[string]string{"kid-1": macKey}})
	binding := func(secret string) cmapi.IssuerConfig {
		config := s.Parts.Issuer(s.Gate, secret+"-account", parts.HTTP01())
		config.ACME.ExternalAccountBinding = &cmacme.ACMEExternalAccountBinding{
			KeyID: "kid-1", Key: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: secret}, Key: "mac"},
		}
		return config
	}
	s.PutSecret(macSecret(s, "right", macKey))
	s.CreateIssuer("right", binding("right"))
	s.IssuerReady("right")
	s.Obtain("web", suite.IssuerRef("right"), s.HTTPName("www"))

	s.PutSecret(macSecret(s, "wrong", wrongMACKey))
	s.PutSecret(macSecret(s, "garbage", "this is !no! base64url"))
	none := s.Parts.Issuer(s.Gate, "none-account", parts.HTTP01())
	for name, row := range map[string]struct {
		config cmapi.IssuerConfig
		words  []string
	}{
		"wrong":   {binding("wrong"), []string{"externalAccountBinding"}},
		"garbage": {binding("garbage"), []string{"externalAccountBinding", "base64"}},
		"missing": {binding("missing"), []string{"externalAccountBinding", "missing"}},
		"none":    {none, []string{"externalAccountBinding"}},
	} {
		s.CreateIssuer(name, row.config)
		issuerNotReady(s, name, row.words...)
	}
	// Mended, it works without anybody doing more.
	secret := s.AwaitSecret("garbage", harness.Exists[*corev1.Secret])
	secret.Data["mac"] = []byte(macKey)
	s.PutSecret(secret)
	s.IssuerReady("garbage")
}

// issuerNotReady waits until an Issuer says why it is not ready, in these words.
func issuerNotReady(s *site.Site, name string, words ...string) {
	s.Helper()
	issuer := s.AwaitIssuer(name, func(status cmapi.IssuerStatus) bool {
		ready, reason, _ := harness.IssuerReady(status)
		return !ready && reason != ""
	})
	_, _, message := harness.IssuerReady(issuer.Status)
	s.Mentions(message, words...)
}
