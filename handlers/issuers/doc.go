// Package issuers keeps the Ready condition of Issuers and ClusterIssuers, and
// holds the seam behind which the issuer types stand: [Backend].
//
// An issuer is looked at again when its spec or a Secret it reads changes, and
// when a certificate it depends on ends.
package issuers
