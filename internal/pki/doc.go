// Package pki makes and checks the cryptographic material behind the API:
// private keys, certificate signing requests, certificates and chains.
//
// It is pure: no context, no client, no logger and no clock. Whoever needs the
// present time passes it in as now. The only outside source is the
// cryptographic random number generator.
//
// The way of a certificate through the package:
//
//	CertificateSpec --Validate--> field errors a user can act on
//	       |
//	       | KeySpecOf, GenerateKey, NewRequest
//	       v
//	CSR (PEM) in CertificateRequest.spec.request
//	       |
//	       | Template (all checks of CheckRequest included)
//	       v
//	x509 template --KeyPair.Sign or SelfSign--> Chain (PEM for a Secret)
//	       |
//	       | RequestViolations, CertificateViolations, KeyViolations, RenewalTime
//	       v
//	is what we hold still what the spec asks for, and until when
//
// Input is whatever somebody put into a Secret or a request. Every parser
// refuses more than a fixed number of bytes before it decodes anything, never
// panics, and never repeats bytes of a private key in an error. Texts that may
// end in a condition or an admission answer are stable and name the field, its
// fault and the remedy.
package pki
