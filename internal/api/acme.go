package api

import (
	"net/netip"
	"slices"
	"strings"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

// ACMEFinal reports whether an Order or Challenge in this state has come to
// its end: nothing changes it any more.
func ACMEFinal(s cmacme.State) bool {
	switch s {
	case cmacme.Valid, cmacme.Invalid, cmacme.Expired, cmacme.Errored:
		return true
	default:
		return false
	}
}

// Interrupted begins the reason of a Challenge whose proof nobody could answer
// for while the server looked: the process that had it accepted was gone. That
// says nothing of the name, so an Order is made anew for it.
const Interrupted = "certwright was restarted while the server looked at the proof"

// OrderNames are the names that an Order is for, as an ACME server is asked
// for them: DNS names in lower case (RFC 8555, section 7.1.4, has them compared
// without case) and IP addresses in their usual text (RFC 8738, section 3),
// each once, sorted. A common name counts as one of them.
func OrderNames(o *cmacme.OrderSpec) (dns, ips []string) {
	for _, name := range append(slices.Clone(o.DNSNames), o.CommonName) {
		if ip, err := netip.ParseAddr(name); err == nil {
			ips = append(ips, ip.String())
		} else if name != "" {
			dns = append(dns, strings.ToLower(strings.TrimSuffix(name, ".")))
		}
	}
	for _, text := range o.IPAddresses {
		if ip, err := netip.ParseAddr(text); err == nil {
			text = ip.String()
		}
		ips = append(ips, text)
	}
	return sorted(dns), sorted(ips)
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// ProvedName is the name that a Challenge is for, as people write it: its
// spec.dnsName comes without the "*." of a wildcard.
func ProvedName(ch *cmacme.Challenge) string {
	if ch.Spec.Wildcard {
		return "*." + ch.Spec.DNSName
	}
	return ch.Spec.DNSName
}
