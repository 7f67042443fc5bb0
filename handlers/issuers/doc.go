// Package issuers keeps the Ready condition of Issuers and ClusterIssuers, and
// holds the seam behind which the issuer types stand: [Backend].
//
// An issuer is looked at again when its spec or a Secret it reads changes, and
// when a certificate it depends on ends. What a pass makes wakes it as well; a
// cache that does not show yet what that pass wrote is waited for ([lag]), so that
// nothing is done twice.
package issuers
