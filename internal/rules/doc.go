// Package rules says what may get into the API: the rules of deploy/policies,
// in Go. The policies are CEL in the API server and need nothing to be up; this
// package is the same for who has no API server to ask, or one without the
// policies: a handler then turns a fault into a condition.
//
//	Change.Faults    what is wrong with a write, of any kind of ours
//	Issuer           what is wrong with the spec of an Issuer or ClusterIssuer
//	Approval         who may approve what, and that it stays so
//	SignerNames      the names by which the right to approve is given
//	Policies         the policies a cluster should have
//
// Certificates are checked by pki.Limits, whose rules this package takes as
// they are. One table of cases, in test/admission, is run against both.
//
// It is pure: no client, no clock, no logger. Each fault names the field, what
// is wrong with it and the remedy, and never repeats a secret.
package rules
