// Package webhookset says what a set of webhook certificates is: a CA Secret, a
// server Secret signed by it, and the webhook configurations that carry the
// CA's bundle; what it is when little is said, and what is wrong with one. It
// also names the marks by which a set is found and read in the cluster.
package webhookset

import (
	"net"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/labels"
)

// Set is one set as configured. Start from [Default] or [BTPManager].
type Set struct {
	// Name tells sets apart, in commands, metrics and labels.
	Name string
	// Namespace holds both Secrets.
	Namespace string
	// CA is the Secret of the CA.
	CA Secret
	// PreviousKey is the data key of the CA Secret that holds, during a
	// rotation, the CA certificates that are on their way out.
	PreviousKey string
	// Server is the Secret that the webhook server reads.
	Server Secret
	// Service is the webhook's Service in Namespace; empty when DNSNames say it all.
	Service string
	// DNSNames are further names, or IP addresses, of the server certificate.
	DNSNames []string
	// Mutating and Validating name webhook configurations.
	Mutating, Validating []string
	// Selector chooses webhook configurations by label; nil chooses none.
	Selector labels.Selector
	// CADuration and ServerDuration are the lives of new certificates.
	CADuration, ServerDuration time.Duration
	// RenewBefore is when a certificate "expires soon".
	RenewBefore Boundary
	// Algorithm and KeySize are of new keys: ECDSA or RSA, in bits.
	Algorithm string
	KeySize   int
	// OnBundleDrift is what follows when somebody overwrites a bundle.
	OnBundleDrift Drift
	// Trigger is a custom resource whose changes have the set looked at; nil: none.
	Trigger *Trigger
	// GraceTime is how long after its storing a server certificate counts as
	// served where that cannot be seen.
	GraceTime time.Duration
	// PropagationTime is how long after its change a webhook configuration
	// counts as known to every API server.
	PropagationTime time.Duration
	// Probe is whether to look, by a TLS handshake, at what is served.
	Probe bool
	// Labels are put on both Secrets.
	Labels map[string]string
}

// Secret is a Secret and the data keys of a certificate and its private key.
type Secret struct{ Name, CertKey, KeyKey string }

// Boundary is a time before the end of a certificate's life: a duration, or a
// percentage of the life.
type Boundary struct {
	Duration time.Duration
	Percent  int
}

// Of returns the time before the end for a certificate of this life.
func (b Boundary) Of(life time.Duration) time.Duration {
	if b.Percent > 0 {
		return life / 100 * time.Duration(b.Percent)
	}
	return b.Duration
}

// Drift is an answer to an overwritten bundle.
type Drift string

// The answers.
const (
	Recreate Drift = "recreate" // put the bundle back, then make a new CA
	Restore  Drift = "restore"  // put the bundle back
)

// Trigger is a kind of custom resource, and perhaps one object of it.
type Trigger struct{ Group, Version, Kind, Name string }

// Default is a set of which only name, namespace, names of the server and
// webhook configurations are still to be said.
func Default() Set {
	return Set{
		CA:          Secret{Name: "ca-server-cert", CertKey: "ca.crt", KeyKey: "ca.key"},
		PreviousKey: "ca-old.crt",
		Server:      Secret{Name: "webhook-server-cert", CertKey: "tls.crt", KeyKey: "tls.key"},
		CADuration:  87600 * time.Hour, ServerDuration: 8760 * time.Hour,
		RenewBefore: Boundary{Duration: 7 * 24 * time.Hour},
		Algorithm:   "ECDSA", KeySize: 256,
		OnBundleDrift: Recreate,
		// A kubelet brings a changed Secret to its pods within its sync period
		// and cache time, 90 s, and a certwatcher polls every 10 s.
		GraceTime: 3 * time.Minute,
		// API servers learn of a change by a watch, in well under a second; one
		// that lags is given more.
		PropagationTime: 10 * time.Second,
		Probe:           true,
	}
}

// BTPManager is the set that SAP's BTP Manager keeps for its operator.
func BTPManager() Set {
	s := Default()
	s.Name, s.Namespace = "btp-manager", "kyma-system"
	s.Service = "sap-btp-operator-webhook-service"
	s.Mutating = []string{"sap-btp-operator-mutating-webhook-configuration"}
	s.Validating = []string{"sap-btp-operator-validating-webhook-configuration"}
	s.Labels = map[string]string{"app.kubernetes.io/managed-by": "btp-manager"}
	s.Trigger = &Trigger{Group: "operator.kyma-project.io", Version: "v1alpha1", Kind: "BtpOperator"}
	return s
}

// Names are those of the server certificate, DNS names and IP addresses apart.
func (s *Set) Names() (dns []string, ips []net.IP) {
	all := slices.Clone(s.DNSNames)
	if s.Service != "" {
		all = append([]string{s.Service + "." + s.Namespace + ".svc", s.Service + "." + s.Namespace}, all...)
	}
	for _, name := range all {
		if ip := net.ParseIP(name); ip != nil {
			ips = append(ips, ip)
		} else if !slices.Contains(dns, name) {
			dns = append(dns, name)
		}
	}
	return dns, ips
}

// Nominates reports whether the set names a webhook configuration.
func (s *Set) Nominates(kind, name string) bool {
	if kind == ValidatingKind {
		return slices.Contains(s.Validating, name)
	}
	return slices.Contains(s.Mutating, name)
}

// Selects reports whether the set's selector fits these labels.
func (s *Set) Selects(l map[string]string) bool {
	return s.Selector != nil && s.Selector.Matches(labels.Set(l))
}

// The kinds of webhook configurations.
const (
	MutatingKind   = "MutatingWebhookConfiguration"
	ValidatingKind = "ValidatingWebhookConfiguration"
)
