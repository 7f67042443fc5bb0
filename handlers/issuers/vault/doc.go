// Package vault has requests signed by the PKI engine of a HashiCorp Vault, or
// of what speaks its API.
//
// A login is kept, for as long as the issuer and the Secrets it reads stay as
// they are, until shortly before its lease ends; a token that can be renewed is
// renewed. What Vault answers has one of three classes (fault.go):
//
//	Vault is away      sealed, standby without a leader, unreachable, 412, 429, 5xx
//	                   ▶ the issuer is not ready, requests wait, both are tried
//	                     again within seconds
//	the issuer is unfit  TLS, mount, path, role or token are not as Vault has them
//	                   ▶ the issuer is not ready until somebody mends it, requests wait
//	the request is refused  by the role or a policy, while the issuer is fit
//	                   ▶ the request has failed, with Vault's words
//
// Whether the issuer is fit is seen by a call to the signing endpoint without a
// CSR, which Vault refuses only after it has looked up the mount, the token's
// policies and the role; nothing is signed by it.
//
// Vault has no way to ask for a signature twice and get one: where the
// connection breaks after a request was sent, Vault may have signed it. It is
// sent again then, since failing it would cost the new request a second
// signature just the same. The first, if there is one, is a certificate that
// nobody has been given, in Vault's store.
package vault
