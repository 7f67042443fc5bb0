// Package dns01 proves names by TXT records (RFC 8555 section 8.4).
//
//	Present   name of the record (its CNAMEs followed, if asked for) ─▶ provider.Set
//	Visible   every authoritative server that answers has the value
//	Remove    name of the record ─▶ provider.Unset
//
// The providers of the API contract, section 1.4, are the packages below this
// one. They stand on the providers' APIs rather than on lego's packages, because
// those keep in memory which record they made (cloudflare, digitalocean), replace
// or delete all values at a name (rfc2136, azuredns, gcloud), and follow CNAMEs by
// resolvers and switches that are global to the process. Here a value is one of
// many at its name, found again by what it is, so that a wildcard and its domain,
// and Certificates that know nothing of each other, can be proven at once, also
// by a daemon that was restarted in between. All other providers of lego's are
// reached by a child process (package lego).
//
// Nothing is remembered but how to sign in: a provider is kept as long as its
// settings and the Secrets it was made from are the same.
package dns01
