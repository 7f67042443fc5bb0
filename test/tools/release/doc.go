// Command release makes what is given away: the OCI image, archives, a Debian
// package, the CRDs in one file, a bill of materials and checksums. From the
// same commit it makes the same bytes, on any machine with Go.
//
//	release image    an OCI layout for linux/amd64 and linux/arm64, and a tar of it
//	release release  the image and everything else
package main
