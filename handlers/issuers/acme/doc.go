// Package acme is the ACME issuer type: it keeps an issuer's account registered,
// and has requests signed by Orders, which another handler carries out.
//
// An account is a function of what is stored: its key in a Secret, its URL, the
// hash of that key and the contact in status.acme. So an issuer that was
// registered once asks nothing of its server, also after a restart:
//
//	no Secret ──▶ make a key (unless disableAccountKeyGeneration)
//	                 │
//	status.acme is of another key or server, or ──▶ Register ──▶ Ready
//	the server says that it knows no such account       │
//	                                                    └──▶ refused: not Ready; tried again in an
//	status.acme has another e-mail address ──▶ UpdateEmail  hour, or at once when something changes
//	otherwise ──▶ Ready
//
// A new issuer costs two writes, the Secret and the status, and one registration;
// where the key is given, only the status is written.
//
// A server that does not answer takes nothing from an account that is
// registered. One that asks for a pause is left in peace, and the Ready
// condition says until when and why.
//
// Sign makes one Order for each request, with a name that is a function of the
// request, and passes on how it stands.
package acme
