package acme

import (
	"testing"
	"time"

	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/harness"
)

// mostDNS and mostHTTP are how many API writes a Certificate of one name may
// cost, Events apart; today's systems make 34 and more. HTTP-01 makes and
// removes an Ingress and a Service, which DNS-01 does not need; the Service is
// one for all that is proved in a namespace at the time.
const (
	mostDNS  = 14
	mostHTTP = mostDNS + 4
)

// patience is how long an issuance lasts at least before the statuses of the
// Certificate and of its request say so: eight seconds, of which one may be lost
// because a creation is told in whole seconds.
const patience = 7 * time.Second

// TestWritesOfAnIssuance counts what the daemon writes for one Certificate, from
// its creation until nothing is left to do. No other test runs beside it: an
// issuance that takes long says so in the status, which is two writes more, and
// on a machine that has other things to do one may.
func TestWritesOfAnIssuance(t *testing.T) {
	for name, row := range map[string]struct {
		issuer func(*site.Site) cmmeta.IssuerReference
		name   func(*site.Site) string
		most   int
	}{
		"HTTP-01": {(*site.Site).HTTP, func(s *site.Site) string { return s.HTTPName("www") }, mostHTTP},
		"DNS-01":  {(*site.Site).DNS, func(s *site.Site) string { return s.DNSName("www") }, mostDNS},
	} {
		t.Run(name, func(t *testing.T) {
			s := site.New(t, world, shared)
			ref := row.issuer(s)
			s.AwaitEvent(ref.Name, "ACMEAccountRegistered", "")
			earlier := len(s.Asked(world.Account))
			began, most := time.Now(), row.most
			s.Obtain("web", ref, row.name(s))
			if time.Since(began) > patience {
				most += 2
			}
			s.Clean()
			s.AwaitEvent("web", "Issuing", "successfully issued")
			pass(t)
			writes, events := count(s, s.Asked(world.Account)[earlier:])
			if writes > most {
				t.Errorf("%d writes, want at most %d", writes, most)
			}
			t.Logf("%d writes and %d Events", writes, events)
		})
	}
}

// pass has the daemon issue a Certificate elsewhere. Whatever it had left to do
// for an earlier one has begun by then.
func pass(t *testing.T) {
	t.Helper()
	elsewhere := site.New(t, world, shared)
	elsewhere.Obtain("fence", elsewhere.DNS(), elsewhere.DNSName("fence"))
}

// count tells the writes and the Events apart and shows them. None may have
// been refused but for a conflict, which is how two writers learn of each other.
func count(s *site.Site, entries []harness.AuditEntry) (writes, events int) {
	s.Helper()
	for _, entry := range entries {
		switch {
		case entry.IsEvent() && entry.Writes():
			events++
		case entry.Writes():
			writes++
			s.Logf("%2d %s", writes, entry)
		}
		if entry.Code >= 400 && entry.Code != 404 && entry.Code != 409 {
			s.Errorf("the API server refused: %s", entry)
		}
	}
	return writes, events
}
