// Package certificates keeps each Certificate's Secret in step with its spec
// for ever: it issues, renews, heals and tells of it in the status.
//
// Everything about a Certificate is decided in one place, [Next]:
//
//	         ┌──────────────── keep ◀───────────────────────────┐
//	         │ Secret's dress, status, leftovers, history;      │ Settle: revision+1,
//	         │ rest until renewal or the end of a back-off      │ Ready=True
//	         ▼                                                  │
//	 due? (trigger.go)                                          │
//	  │ Secret missing, incomplete, broken, of another issuer   │
//	  │ or Certificate, not as the spec says, nearing its end;  │
//	  │ or Issuing=True set by somebody (certwright renew)      │
//	  ▼                                                         │
//	issue ──▶ Request ──▶ waiting ──▶ signed ──▶ Store ─────────┘
//	  ▲          (CertificateRequest NAME-REVISION)
//	  │                      │
//	  └── after a back-off ──┴──▶ Fail: Issuing=False, attempts+1
//
// Where the next private key lives until it is stored depends on how long the
// issuance will take (path.go):
//
//   - A ready CA issuer signs at once: the key stays in memory, and there are
//     four writes: request, its status, Secret, Certificate status. A key lost
//     in a crash costs one new request.
//   - A ready SelfSigned issuer must read the key: it is put in a Secret with
//     the label cert-manager.io/next-private-key until the issuance ends.
//   - A ready ACME, Vault or Venafi issuer has a server sign, usually within
//     seconds: the key's Secret comes first, and Issuing=True only when it has
//     taken longer than that, or when a person asked for the renewal.
//   - All others wait for somebody: Issuing=True and the key's Secret come first.
//
// # Writes
//
// of a first issuance; a renewal deletes the request before the last as well.
//
//	                          CA  SelfSigned  server, quick  server, slow  others
//	status Issuing=True        -      -            -              1           1
//	next-key Secret            -      1            1              1           1
//	CertificateRequest         1      1            1              1           1
//	its status: Pending        -      -            -              1        theirs
//	its status: Issued         1      1            1              1        theirs
//	target Secret              1      1            1              1           1
//	status Ready=True          1      1            1              1           1
//	next-key Secret deleted    -      1            1              1           1
//	sum                        4      6            6              8           5, and 1 to approve
//
// An ACME Order adds its own: create, status with what is to be proved, status
// with the certificate; and for each name that is not proved already its
// Challenge: create and delete, and what handlers/challenges writes about it.
//
// Before an issuance begins that costs something at a server, the target Secret
// is read live: a cache may show it as it was before the last issuance.
//
// # When an ACME server wishes to renew
//
// A server's renewal information (RFC 9773) is asked for beside the workers
// (inquiry.go) and kept in status.acme.ari: once when a certificate is stored,
// of which the status waits a second at most so that both take one write, and
// then when status.acme.ari.nextCheck has come. The earlier of the spec's own
// time and an instant in the server's window counts (renewalinfo.go). A server
// that fails or has none to give changes nothing.
//
// # Revocation
//
// The annotation certwright.dev/revoke asks for it: "on-deletion" keeps a deleted
// Certificate by a finalizer until its certificate is revoked, or that is refused
// for good, or the server was away for a day; "on-key-change" has a certificate
// revoked once the one with another key is stored, which by default is at each
// renewal, and is forgotten should the process end before. ACME issuers revoke;
// an event tells what came of it (revocation.go). A word that nobody knows, and
// an issuer that cannot revoke, are told once by an event and one status write,
// and stay in the message of Ready=True until they are mended (wish.go).
//
// A request, once made, is never changed. One whose key is lost, which no
// longer says what the spec says, or which failed in an earlier attempt, is
// discarded and made anew under the same name, so that there is one
// CertificateRequest for each revision. A name that somebody else's request has
// is told of in the Issuing condition (blocked.go).
package certificates
