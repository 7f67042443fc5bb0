package orders

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/certwright/certwright/internal/api"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

// Choice is how an authorization is to be proved.
type Choice struct {
	Authorization cmacme.ACMEAuthorization
	Offer         cmacme.ACMEChallenge // the server's challenge that is taken up
	Type          cmacme.ACMEChallengeType
	Solver        cmacme.ACMEChallengeSolver // with the Order's overrides
}

// name is the name of the Challenge of a Choice. Another solver gives another
// name, so that a changed issuer is followed.
func (c Choice) name(o *cmacme.Order) string {
	solver, err := json.Marshal(c.Solver)
	if err != nil {
		solver = nil // a struct of strings and numbers always is JSON
	}
	return api.ChallengeName(o.Name, c.Authorization.URL+" "+c.Offer.URL+" "+string(solver))
}

// Types as the server writes them (RFC 8555, section 8).
const (
	offeredHTTP = "http-01"
	offeredDNS  = "dns-01"
)

// choose picks the solver for an authorization (contract 1.4): the one whose
// selector says most of the name, which is a DNS name before a zone, a longer
// zone before a shorter one, and any of them before labels; then the first of
// the list. A solver without a selector fits everything, and everything fits
// better.
func choose(solvers []cmacme.ACMEChallengeSolver, a cmacme.ACMEAuthorization, o *cmacme.Order) (Choice, bool) {
	var best Choice
	var bestFit fit
	found := false
	for _, s := range solvers {
		offer, kind, ok := offered(s, a)
		if !ok {
			continue
		}
		f, ok := fits(s.Selector, fullName(a), o.Labels)
		if !ok || found && f.compare(bestFit) <= 0 {
			continue
		}
		best, bestFit, found = Choice{Authorization: a, Offer: offer, Type: kind, Solver: overridden(s, o.Annotations)}, f, true
	}
	return best, found
}

// offered is the server's challenge that a solver can meet. A wildcard is never
// proved over HTTP (RFC 8555, section 8.3), an address never in the DNS (RFC
// 8738, section 7), whatever a server offers.
func offered(s cmacme.ACMEChallengeSolver, a cmacme.ACMEAuthorization) (cmacme.ACMEChallenge, cmacme.ACMEChallengeType, bool) {
	for _, way := range []struct {
		able bool
		text string
		kind cmacme.ACMEChallengeType
	}{
		{s.HTTP01 != nil && !isWildcard(a), offeredHTTP, cmacme.ACMEChallengeTypeHTTP01},
		{s.DNS01 != nil && !isAddress(a.Identifier), offeredDNS, cmacme.ACMEChallengeTypeDNS01},
	} {
		for _, c := range a.Challenges {
			if way.able && c.Type == way.text {
				return c, way.kind, true
			}
		}
	}
	return cmacme.ACMEChallenge{}, "", false
}

func isWildcard(a cmacme.ACMEAuthorization) bool { return a.Wildcard != nil && *a.Wildcard }

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// fullName is the name as the Certificate has it: a server tells a wildcard
// apart from its name (RFC 8555, section 7.1.4).
func fullName(a cmacme.ACMEAuthorization) string {
	if isWildcard(a) && !strings.HasPrefix(a.Identifier, "*.") {
		return "*." + a.Identifier
	}
	return a.Identifier
}

// fit says how much of a selector was met.
type fit struct{ names, zone, labels int }

func (f fit) compare(g fit) int {
	return cmp.Or(cmp.Compare(f.names, g.names), cmp.Compare(f.zone, g.zone), cmp.Compare(f.labels, g.labels))
}

// fits tells whether all that a selector asks for is met, and how much it is.
func fits(s *cmacme.CertificateDNSNameSelector, name string, labels map[string]string) (fit, bool) {
	var f fit
	if s == nil {
		return f, true
	}
	for k, v := range s.MatchLabels {
		if got, ok := labels[k]; !ok || got != v {
			return f, false
		}
	}
	f.labels = len(s.MatchLabels)
	for _, n := range s.DNSNames {
		if sameName(n, name) {
			f.names = 1
		}
	}
	bare := strings.TrimPrefix(name, "*.")
	for _, zone := range s.DNSZones {
		if inZone(bare, zone) {
			f.zone = max(f.zone, strings.Count(strings.Trim(zone, "."), ".")+1)
		}
	}
	return f, (len(s.DNSNames) == 0 || f.names > 0) && (len(s.DNSZones) == 0 || f.zone > 0)
}

func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

func inZone(name, zone string) bool {
	if isAddress(name) {
		return false
	}
	name, zone = strings.ToLower(strings.Trim(name, ".")), strings.ToLower(strings.Trim(zone, "."))
	return name == zone || strings.HasSuffix(name, "."+zone)
}

// noSolver says why no solver fits, and what to do.
func noSolver(solvers []cmacme.ACMEChallengeSolver, a cmacme.ACMEAuthorization, ref cmmeta.IssuerReference) string {
	var offers, has []string
	for _, c := range a.Challenges {
		offers = append(offers, c.Type)
	}
	for i, s := range solvers {
		has = append(has, fmt.Sprintf("solvers[%d] %s", i, describe(s)))
	}
	return fmt.Sprintf("No solver fits %q, for which the ACME server offers %s. %s has %s. %s",
		fullName(a), orNone(offers), api.DescribeIssuer(ref), orNone(has), remedy(a))
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func describe(s cmacme.ACMEChallengeSolver) string {
	kind := "of no type"
	switch {
	case s.HTTP01 != nil:
		kind = "http01"
	case s.DNS01 != nil:
		kind = "dns01"
	}
	if s.Selector == nil {
		return kind + " for all names"
	}
	var about []string
	if n := len(s.Selector.DNSNames); n > 0 {
		about = append(about, "dnsNames "+some(s.Selector.DNSNames))
	}
	if n := len(s.Selector.DNSZones); n > 0 {
		about = append(about, "dnsZones "+some(s.Selector.DNSZones))
	}
	if len(s.Selector.MatchLabels) > 0 {
		about = append(about, "certain matchLabels")
	}
	if len(about) == 0 {
		return kind + " for all names"
	}
	return kind + " for " + strings.Join(about, " and ")
}

// some keeps a text short where a selector lists hundreds.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], " "), len(names)-most)
	}
	return strings.Join(names, " ")
}

func remedy(a cmacme.ACMEAuthorization) string {
	switch {
	case isWildcard(a):
		return "Add a dns01 solver whose selector fits: a wildcard can be proved in the DNS only"
	case isAddress(a.Identifier):
		return "Add an http01 solver whose selector fits: an address cannot be proved in the DNS"
	}
	return "Add a solver to spec.acme.solvers whose selector fits, or correct one"
}
