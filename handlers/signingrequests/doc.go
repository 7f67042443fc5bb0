// Package signingrequests signs Kubernetes CertificateSigningRequests
// (certificates.k8s.io/v1) whose signer is one of our issuers:
// issuers.cert-manager.io/NAMESPACE.NAME or clusterissuers.cert-manager.io/NAME.
//
//	created ─▶ WaitingApproval ─┬─ denied ─────────────────────────────▶ (end)
//	                            │ approved by somebody, never by us
//	                            ▼
//	                     IssuerNotFound ◀─────┐ the issuer's event
//	                            │ it is there │ wakes it
//	                            ▼             │
//	           may the requester reference it? (of an Issuer only)
//	                            │      └─ no ────────▶ Failed/DeniedReference
//	                            ▼ yes
//	                    what is asked for ─── bad ──▶ Failed/InvalidDuration,
//	                            │      ErrorParseDuration, SigningError  (end)
//	                            ▼
//	                     IssuerNotReady, SecretMissing … ◀─┐ the issuer's or
//	                            │                          │ the Secret's event
//	                            ▼                          ┘ wakes it
//	                     the signer signs ─ refuses ─▶ Failed/its reason (end)
//	                            │
//	                            ▼
//	                     status.certificate                              (end)
//
// What a request waits for is told by events and not in its status, which has
// no condition for it (contract 1.5), once for each change of the cause. A
// request has one end, reached by one status write, and is left alone after it.
//
// A CertificateSigningRequest has no namespace. So whoever asks an Issuer must
// have the right to "reference" it, and the Secrets that a request names are
// looked for where the issuer's are: in its namespace, or in the one for
// cluster resources.
package signingrequests
