// Package contract goes through what a Certificate and a CertificateRequest can
// say and asks other programs what came of it: openssl, keytool, and cmctl, the
// command line of cert-manager, in the version that test/cmctl pins. The
// policies of deploy/policies are in force.
//
// Tests that need nothing of the daemon share one and run side by side; those
// that restart it, or start it with options, have one of their own and come first.
package contract
