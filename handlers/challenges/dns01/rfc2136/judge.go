package rfc2136

import (
	"fmt"

	"github.com/certwright/certwright/handlers/challenges"

	"github.com/miekg/dns"
)

// judge says what an answer means, and what to do about it.
func (p *Provider) judge(reply *dns.Msg, name, zone string) error {
	signed := p.keyName != ""
	switch reply.Rcode {
	case dns.RcodeSuccess:
		return nil
	case dns.RcodeNotAuth:
		if t := reply.IsTsig(); t != nil && t.Error != dns.RcodeSuccess {
			return p.judgeKey(t.Error)
		}
		return challenges.Faulty("%s.nameserver: the DNS server %s is not the primary server of the zone %s (NOTAUTH): name the one that takes updates", field, p.address, zone)
	case dns.RcodeRefused:
		if !signed {
			return challenges.Faulty("%s: the DNS server %s refuses an unsigned update of %s (REFUSED): set tsigKeyName and tsigSecretSecretRef, or allow updates from this address", field, p.address, name)
		}
		return challenges.Faulty("%s: the DNS server %s does not let the key %s change TXT records at %s (REFUSED): grant it that, in BIND by `update-policy { grant %s wildcard *.%s TXT; };`", field, p.address, p.keyName, name, p.keyName, zone)
	case dns.RcodeNotZone:
		return challenges.Faulty("%s.nameserver: the DNS server %s says that %s is not in the zone %s (NOTZONE): name the server of the right zone", field, p.address, name, zone)
	case dns.RcodeNotImplemented:
		return challenges.Faulty("%s.nameserver: the DNS server %s takes no updates (NOTIMP): name one that does", field, p.address)
	}
	return fmt.Errorf("DNS server %s answers %s to an update of %s in the zone %s", p.address, dns.RcodeToString[reply.Rcode], name, zone)
}

// judgeKey is about the TSIG errors (RFC 8945 section 5.2).
func (p *Provider) judgeKey(code uint16) error {
	switch code {
	case dns.RcodeBadSig:
		return challenges.Faulty("%s.tsigSecretSecretRef: the DNS server %s has another secret or algorithm for the key %s (BADSIG): store the key that the server has, and set tsigAlgorithm as there", field, p.address, p.keyName)
	case dns.RcodeBadKey:
		return challenges.Faulty("%s.tsigKeyName: the DNS server %s knows no key %s of this algorithm (BADKEY): name it as the server does, and set tsigAlgorithm as there", field, p.address, p.keyName)
	case dns.RcodeBadTime:
		return challenges.Faulty("%s: the clocks of the DNS server %s and of this node differ by more than 5 minutes (BADTIME): set them right", field, p.address)
	}
	return fmt.Errorf("DNS server %s refuses the key %s: %s", p.address, p.keyName, dns.RcodeToString[int(code)])
}
