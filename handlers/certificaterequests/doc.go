// Package certificaterequests approves requests and has those for issuers of
// our own group signed, whoever made them.
//
//	                    ┌─ Denied ───────────────▶ Ready=False/Denied      (end)
//	                    │
//	created ─▶ checked ─┼─ bad CSR ──────────────▶ InvalidRequest, Failed  (end)
//	                    │
//	                    ├─ not approved, not ours to approve ─▶ Pending ─┐
//	                    │                                                │ an event
//	                    ├─ issuer missing or not ready ──────▶ Pending ─┤ wakes it
//	                    │                                                │
//	                    ├─ signer waits (Secret missing …) ──▶ Pending ─┘
//	                    ├─ signer refuses ───────▶ Ready=False/Failed      (end)
//	                    └─ signer signs ─────────▶ Ready=True/Issued       (end)
//
// Approval by us and the signature go into one status write. A request is
// signed once: it has one end, and is never tried again after it. Requests for
// issuers of other groups are approved, and are otherwise their controller's.
package certificaterequests
