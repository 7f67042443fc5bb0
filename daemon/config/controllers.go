package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/certwright/certwright/daemon/config/nearest"
)

// Controller names a part of the daemon that --controllers switches.
type Controller string

// The controllers. Each is one handler, so that one object has one writer.
const (
	// Certificates makes requests for Certificates and keeps their Secrets.
	Certificates Controller = "certificates"
	// CertificateRequests signs what the built-in issuers are asked for.
	CertificateRequests Controller = "certificaterequests"
	// Approver approves CertificateRequests; off where a policy program does.
	Approver Controller = "certificaterequests-approver"
	// Issuers keeps the Ready condition of Issuers.
	Issuers Controller = "issuers"
	// ClusterIssuers keeps the Ready condition of ClusterIssuers.
	ClusterIssuers Controller = "clusterissuers"
	// SigningRequests signs Kubernetes CertificateSigningRequests.
	SigningRequests Controller = "certificatesigningrequests"
	// WebhookCertificates keeps the configured sets of webhook certificates.
	WebhookCertificates Controller = "webhookcertificates"
	// CABundles injects CA bundles into what is annotated for it.
	CABundles Controller = "cabundles"
	// Orders carries out the orders at ACME servers.
	Orders Controller = "orders"
	// Challenges proves the names that orders are for.
	Challenges Controller = "challenges"
	// IngressShim makes Certificates for annotated Ingresses.
	IngressShim Controller = "ingress-shim"
	// GatewayShim makes Certificates for annotated Gateways.
	GatewayShim Controller = "gateway-shim"
	// ListenerSetShim makes Certificates for annotated ListenerSets.
	ListenerSetShim Controller = "listenerset-shim"
	// Restarts restarts annotated workloads whose certificate is renewed.
	Restarts Controller = "restarts"
)

// Controllers lists all there are, in the order of the reference.
func Controllers() []Controller {
	return []Controller{Certificates, CertificateRequests, Approver, Issuers, ClusterIssuers, SigningRequests, WebhookCertificates, CABundles,
		Orders, Challenges, IngressShim, GatewayShim, ListenerSetShim, Restarts}
}

// partOf says which of our controllers does the work of one of cert-manager's.
// What it splits in seven is one handler here; it cannot be run in pieces.
func partOf(name string) (Controller, bool) {
	switch name {
	case "certificates-trigger", "certificates-issuing", "certificates-key-manager",
		"certificates-request-manager", "certificates-readiness",
		"certificates-revision-manager", "certificates-metrics":
		return Certificates, true
	case "certificaterequests-issuer-acme", "certificaterequests-issuer-ca",
		"certificaterequests-issuer-selfsigned", "certificaterequests-issuer-vault",
		"certificaterequests-issuer-venafi":
		return CertificateRequests, true
	case "certificatesigningrequests-issuer-acme", "certificatesigningrequests-issuer-ca",
		"certificatesigningrequests-issuer-selfsigned", "certificatesigningrequests-issuer-vault",
		"certificatesigningrequests-issuer-venafi":
		return SigningRequests, true
	}
	return "", false
}

// wholeOf returns our controller of that name or with that part, or "".
func wholeOf(name string) Controller {
	if whole, ok := partOf(name); ok {
		return whole
	}
	if slices.Contains(Controllers(), Controller(name)) {
		return Controller(name)
	}
	return ""
}

// controllerFault judges one entry of --controllers.
func controllerFault(entry string) error {
	name, off := strings.CutPrefix(entry, "-")
	whole, part := partOf(name)
	switch {
	case part && off && name != "certificates-metrics":
		return fmt.Errorf("--controllers: %q cannot be switched off alone, it is part of %q here; switch that off or leave it on", name, whole)
	case entry == "*", wholeOf(name) != "":
		return nil
	}
	known := make([]string, 0, len(Controllers()))
	for _, c := range Controllers() {
		known = append(known, string(c))
	}
	return fmt.Errorf("--controllers: there is no controller %q%s; there are %s",
		name, nearest.Hint(name, known), strings.Join(known, ", "))
}

// controllerNotice says what an accepted entry does not do, or "".
func controllerNotice(entry string) string {
	name, off := strings.CutPrefix(entry, "-")
	whole, part := partOf(name)
	switch {
	case part && off:
		return fmt.Sprintf("--controllers: %q stays on, it is part of %q here", name, whole)
	case part:
		return fmt.Sprintf("--controllers: %q is part of %q here, which runs as a whole", name, whole)
	}
	return ""
}
