package api

// Annotations of our own, beyond the contract's.
const (
	// ReplacesAnnotation, on a CertificateRequest, is the CertID of the
	// certificate that the one asked for takes the place of (RFC 9773, section
	// 4.1). An ACME Order made for the request says so as spec.replaces.
	ReplacesAnnotation = "certwright.dev/replaces"
	// RevokeAnnotation, on a Certificate, says when what was issued for it is
	// revoked: "on-deletion", "on-key-change", or both with a comma between.
	RevokeAnnotation = "certwright.dev/revoke"
	// RevokeFinalizer keeps a Certificate with that annotation until what was
	// issued for it is revoked.
	RevokeFinalizer = "certwright.dev/revoke"
	// HostnamesFromRoutesAnnotation, "true" on a Gateway or ListenerSet, has its
	// listeners without a hostname take those of the HTTPRoutes attached to them.
	HostnamesFromRoutesAnnotation = "certwright.dev/hostnames-from-routes"
	// RestartAnnotation, "true" on a Deployment, StatefulSet or DaemonSet, has it
	// restarted when a certificate that its pods use is renewed.
	RestartAnnotation = "certwright.dev/restart-on-renewal"
)
