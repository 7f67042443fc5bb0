// Package bundles tests, on a real API server, what certwright writes outside
// of certificates: the CA bundles it injects, and a sidecar's files.
package bundles
