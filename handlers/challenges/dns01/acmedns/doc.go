// Package acmedns sets TXT records on an acme-dns server, to which the domain's
// _acme-challenge leads by a CNAME. Such a server keeps the last two values of
// an account and removes none: that is its way, and enough for a wildcard beside
// its domain.
package acmedns
