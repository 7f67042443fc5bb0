// Package site is what the tests of ACME share: a Site, which is a namespace of
// one test, together with the parts of package parts, and what such a test does
// all the time.
package site

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/gate"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// Site is the place of one test.
type Site struct {
	*suite.Space
	// Parts are what all tests of the package share.
	Parts *parts.Set
	// Gate and Pebble are the ACME server of this test's issuers.
	Gate   *gate.Gate
	Pebble *pebble.Server
}

// New makes a namespace with the shared ACME server.
func New(t testing.TB, world *suite.World, set *parts.Set) *Site {
	t.Helper()
	return &Site{Space: world.Space(t), Parts: set, Gate: set.Gate, Pebble: set.Pebble}
}

// OwnServer gives the test an ACME server of its own.
func (s *Site) OwnServer(o pebble.Options) {
	s.Helper()
	var err error
	s.Pebble, s.Gate, err = s.Parts.Server(s.Context(), o)
	s.Must(err)
	s.Cleanup(func() {
		if s.Failed() {
			s.Logf("the end of pebble's log:\n%s", tail(s.Pebble.Log(), 60))
		}
	})
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// ACME makes an issuer of the test's server and waits until it has an account.
func (s *Site) ACME(name string, solvers ...cmacme.ACMEChallengeSolver) cmmeta.IssuerReference {
	s.Helper()
	s.CreateIssuer(name, s.Parts.Issuer(s.Gate, name+"-account", solvers...))
	s.IssuerReady(name)
	return suite.IssuerRef(name)
}

// HTTP makes an issuer that proves by HTTP-01.
func (s *Site) HTTP() cmmeta.IssuerReference {
	s.Helper()
	return s.ACME("http", parts.HTTP01())
}

// DNS makes an issuer that proves by DNS-01, and the Secret for it.
func (s *Site) DNS() cmmeta.IssuerReference {
	s.Helper()
	s.PutSecret(parts.TSIG(s.Namespace, s.Parts.DNS.Key))
	return s.ACME("dns", s.Parts.DNS01())
}

// HTTPName is a name of this test alone that HTTP-01 can prove.
func (s *Site) HTTPName(host string) string {
	return host + "." + s.Namespace + "." + "http.test"
}

// DNSName is a name of this test alone that DNS-01 can prove.
func (s *Site) DNSName(host string) string {
	return host + "." + s.Namespace + "." + "dns.test"
}

// Names is an Edit: the Certificate is for these names.
func Names(names ...string) suite.Edit {
	return func(crt *cmapi.Certificate) { crt.Spec.DNSNames = names }
}

// Obtain creates a Certificate, waits until it is Ready and returns what its
// Secret holds, which must be for these names and from the test's server.
func (s *Site) Obtain(name string, issuer cmmeta.IssuerReference, names ...string) *suite.Bundle {
	s.Helper()
	s.Create(name, issuer, Names(names...))
	return s.Obtained(name, names...)
}

// Obtained is the second half of Obtain.
func (s *Site) Obtained(name string, names ...string) *suite.Bundle {
	s.Helper()
	s.Ready(name)
	b := s.Chain(name, 0)
	got, want := slices.Sorted(slices.Values(b.Leaf.DNSNames)), slices.Sorted(slices.Values(names))
	if !slices.Equal(got, want) {
		s.Errorf("the certificate is for %v, want %v", got, want)
	}
	return b
}

// Chain reads the Secret of a Certificate, which must hold the leaf and what
// leads from it to root number n of the test's server, but no root.
func (s *Site) Chain(name string, n int) *suite.Bundle {
	s.Helper()
	secret := s.AwaitSecret(s.Get(name).Spec.SecretName, harness.HasKeyPair)
	b := s.Parse(secret)
	root, err := s.Pebble.Root(s.Context(), n)
	s.Must(err)
	for i, certificate := range b.Chain {
		above := root
		if i+1 < len(b.Chain) {
			above = b.Chain[i+1]
		}
		if err := certificate.CheckSignatureFrom(above); err != nil {
			s.Errorf("certificate %d of tls.crt is not signed by the next or by the root: %v", i, err)
		}
	}
	if _, has := secret.Data["ca.crt"]; has {
		s.Errorf("Secret %s has a ca.crt, which nobody can vouch for", secret.Name)
	}
	return b
}

// Clean waits until nothing is left of any proof: no Challenge, no Ingress, no
// Service, no EndpointSlice and no TXT record.
func (s *Site) Clean() {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	_, err := s.Challenges().UntilAll(ctx, s.Namespace, none)
	s.Must(err)
	_, err = s.Ingresses().UntilAll(ctx, s.Namespace, none)
	s.Must(err)
	_, err = s.Services().UntilAll(ctx, s.Namespace, none)
	s.Must(err)
	_, err = s.EndpointSlices().UntilAll(ctx, s.Namespace, none)
	s.Must(err)
	s.Eventually("no TXT record is left", func() error {
		all, err := s.Parts.DNS.TXT()
		for _, record := range all {
			if strings.Contains(record, s.Namespace) {
				return fmt.Errorf("there is %s", record)
			}
		}
		return err
	})
}

func none[T any](all []T) bool { return len(all) == 0 }

// Eventually asks again and again, for what cannot be watched, until there is
// no fault any more.
func (s *Site) Eventually(what string, fault func() error) {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := fault()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.Fatalf("waiting until %s: %v", what, err)
		}
	}
}

// AwaitOrder waits until there is one Order in the namespace and want holds of it.
func (s *Site) AwaitOrder(want func(*cmacme.Order) bool) *cmacme.Order {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	all, err := s.Orders().UntilAll(ctx, s.Namespace, func(all []*cmacme.Order) bool { return len(all) == 1 && want(all[0]) })
	s.Must(err)
	return all[0]
}

// AwaitChallenge waits until want holds of a Challenge in the namespace.
func (s *Site) AwaitChallenge(want func(*cmacme.Challenge) bool) *cmacme.Challenge {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	all, err := s.Challenges().UntilAll(ctx, s.Namespace, func(all []*cmacme.Challenge) bool { return slices.ContainsFunc(all, want) })
	s.Must(err)
	return all[slices.IndexFunc(all, want)]
}
