package config

import (
	"time"

	"github.com/certwright/certwright/internal/dnscheck"
)

func dns01Options() []Option {
	const group = "DNS-01 challenges"
	return []Option{
		{"dns01-recursive-nameservers", group, "resolvers that find zones for DNS-01: host:port or https:// URLs, repeated or with commas; none: the system's",
			"A cluster's own resolver often answers for internal views of a domain, or remembers for long what is not there yet: name public ones then, such as 1.1.1.1:53 or https://1.1.1.1/dns-query. The records themselves are asked of the zone's own servers.",
			func(c *Config) any { return &c.DNS01RecursiveNameservers }},
		{"dns01-recursive-nameservers-only", group, "ask the resolvers for the records too, and not the zone's own servers",
			"For networks that let DNS out to some resolvers alone. The check then waits out what they remember, which makes it slower.",
			func(c *Config) any { return &c.DNS01RecursiveNameserversOnly }},
		{"dns01-check-retry-period", group, "time between two self checks of a challenge, DNS-01 and HTTP-01",
			"A check costs a few small packets or one request. Shorter finds what has spread sooner, and asks others' servers more often.",
			func(c *Config) any { return &c.DNS01CheckRetryPeriod }},
	}
}

// minCheckPeriod keeps a slip of the unit from becoming a flood.
const minCheckPeriod = time.Second

func (c Config) dns01Faults() []error {
	faults := faultIf(c.DNS01CheckRetryPeriod < minCheckPeriod, "--dns01-check-retry-period: %s is too short; use %s or more", c.DNS01CheckRetryPeriod, minCheckPeriod)
	_, err := dnscheck.ParseNameservers(c.DNS01RecursiveNameservers)
	return append(faults, faultIf(err != nil, "--dns01-recursive-nameservers: %v", err)...)
}

// Resolvers are those of DNS01RecursiveNameservers, with their ports.
func (c Config) Resolvers() []string {
	resolvers, err := dnscheck.ParseNameservers(c.DNS01RecursiveNameservers)
	if err != nil {
		return nil // Validate has told
	}
	return resolvers
}
