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
//   - All others may take long: Issuing=True and the key's Secret come first.
//
// A request, once made, is never changed. One whose key is lost, which no
// longer says what the spec says, or which failed in an earlier attempt, is
// discarded and made anew under the same name, so that there is one
// CertificateRequest for each revision.
package certificates
