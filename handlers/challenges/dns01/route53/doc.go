// Package route53 makes TXT records by the API of Amazon Route 53.
//
// Each value is a record set of its own, told apart by a set identifier, as
// cert-manager has them: so no change touches the values of others, and what
// cert-manager left is removed by the same call.
package route53
