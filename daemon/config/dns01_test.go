package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDNS01Faults(t *testing.T) {
	t.Parallel()
	for want, edit := range map[string]func(*Config){
		"--dns01-check-retry-period: 10ms is too short; use 1s or more":                                                                     func(c *Config) { c.DNS01CheckRetryPeriod = 10 * time.Millisecond },
		`--dns01-recursive-nameservers: nameserver "http://1.1.1.1": an URL must be https://HOST/PATH, such as https://1.1.1.1/dns-query`:   func(c *Config) { c.DNS01RecursiveNameservers = []string{"1.1.1.1:53", "http://1.1.1.1"} },
		`--dns01-recursive-nameservers: nameserver "a b": it must be HOST:PORT, such as 8.8.8.8:53 or [2001:db8::1]:53, or an https:// URL`: func(c *Config) { c.DNS01RecursiveNameservers = []string{"a b"} },
	} {
		c := Default()
		edit(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	c := Default()
	c.DNS01RecursiveNameserversOnly = true // with the system's resolvers
	c.DNS01RecursiveNameservers = []string{"1.1.1.1", "https://1.1.1.1/dns-query"}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if got := c.Resolvers(); !slices.Equal(got, []string{"1.1.1.1:53", "https://1.1.1.1/dns-query"}) {
		t.Errorf("%q", got)
	}
}
