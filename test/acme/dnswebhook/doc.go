// Package dnswebhook runs a DNS01 solver of somebody else's, as users of
// cert-manager have them: a program of its own with cert-manager's library, which
// the API server finds behind an APIService, and installed with the manifests
// that such solvers' charts have.
//
//	daemon ── POST /apis/GROUP/v1alpha1/rfc2136 ──▶ API server
//	                                                   │ APIService v1alpha1.GROUP
//	                                                   ▼
//	DNS server ◀── update signed with TSIG ──────── the solver ──▶ Secrets
//
// Its own certificate and the CA in the APIService are certwright's to provide, as
// those manifests have it.
//
// The Service is one of type ExternalName, as nothing routes the addresses of
// Services and no EndpointSlice may lead to 127.0.0.1.
package dnswebhook
