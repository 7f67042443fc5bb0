package nameserver

import "fmt"

// zone is what a server begins with.
type zone struct {
	name string
	// records stand in a zone file's words, without SOA and NS.
	records string
	// open lets Key change TXT records.
	open bool
}

// zonesAt are the zones of a server whose machine, and that of all names, is at
// an address.
func zonesAt(host string) []zone {
	here := "A " + host + "\n"
	aliases := "_acme-challenge.alias CNAME alias.target\n_acme-challenge.nickname CNAME alias.target\n"
	return []zone{
		{name: HTTPZone, records: "@ " + here + "* " + here + "elsewhere A 127.0.0.2\n*.elsewhere A 127.0.0.2\n"},
		{name: DNSZone, records: "@ " + here + aliases, open: true},
		{name: LockedZone, records: "@ " + here + "_acme-challenge.alias CNAME alias.target.dns.test.\n"},
	}
}

// file is the zone as a zone file, with its server at an address. Every time in
// it is short, because what the tests do to a zone must be seen at once.
func (z zone) file(host string) string {
	return fmt.Sprintf("$ORIGIN %s.\n$TTL 1\n@ SOA ns hostmaster 1 3600 600 86400 1\n@ NS ns\nns A %s\n%s", z.name, host, z.records)
}
