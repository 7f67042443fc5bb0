package crash

import (
	"errors"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/gate"
	"github.com/certwright/certwright/test/acme/site"
)

// TestAccountAfterRestart: the account is in the Secret and the status, so a
// daemon that starts registers nothing and looks nothing up before it issues.
func TestAccountAfterRestart(t *testing.T) {
	s := begin(t)
	d := start(t)
	ref := s.HTTP()
	s.Obtain("first", ref, s.HTTPName("first"))
	before := len(s.Gate.Calls(gate.NewAccount))
	s.Must(d.Restart(t.Context()))
	ready := time.Now()
	// A creation is told in whole seconds, and an Order that may be older than the
	// process is looked for in the account's list.
	s.Eventually("another second has begun", func() error {
		if time.Since(ready) < 1500*time.Millisecond {
			return errors.New("it has not")
		}
		return nil
	})
	s.Obtain("second", ref, s.HTTPName("second"))
	for _, call := range s.Gate.Calls(gate.NewAccount)[before:] {
		t.Errorf("the account was asked for after the restart: %s", call.Payload)
	}
	s.Clean()
}

// TestDeletedWhileAway: what was presented before the daemon died is taken away
// when it is back, although the Certificate has gone meanwhile.
func TestDeletedWhileAway(t *testing.T) {
	s := begin(t)
	d := start(t)
	ref := s.DNS()
	s.Create("web", ref, site.Names("alias.dns.test")) // an alias that nobody follows, so it waits
	s.Create("shop", ref, site.Names(s.DNSName("shop")))
	s.AwaitChallenge(func(c *cmacme.Challenge) bool { return c.Status.Processing })
	d.Kill()
	gone := metav1.DeleteOptions{}
	for _, name := range []string{"web", "shop"} {
		s.Must(s.CertManager.CertmanagerV1().Certificates(s.Namespace).Delete(t.Context(), name, gone))
	}
	ctx, cancel := s.Within()
	defer cancel()
	_, err := s.Requests().UntilAll(ctx, s.Namespace, func(all []*cmapi.CertificateRequest) bool { return len(all) == 0 })
	s.Must(err)
	s.Must(d.Start())
	s.Clean()
}
