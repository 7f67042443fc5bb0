package webhookset

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
)

// FieldManager owns, by server-side apply, all that is written for a set.
const FieldManager = "certwright-webhook-certificates"

const domain = "certwright.dev/"

// Marks in the cluster, by which commands and people find and read a set
// without the daemon's configuration.
const (
	// SetLabel is on both Secrets, with the set's name; as an annotation it is
	// on the webhook configurations.
	SetLabel = domain + "webhook-set"
	// RoleLabel says which of the two Secrets it is: RoleCA or RoleServer.
	RoleLabel = domain + "webhook-role"

	// PhaseAnnotation of the CA Secret is a [Phase], SinceAnnotation its
	// begin (RFC 3339), CauseAnnotation why the CA was made.
	PhaseAnnotation = domain + "rotation-phase"
	SinceAnnotation = domain + "rotation-since"
	CauseAnnotation = domain + "rotation-cause"
	// RemadeAnnotation of the CA Secret counts the CAs made in a row because
	// somebody overwrote something; by it they become rarer.
	RemadeAnnotation = domain + "remade-in-a-row"
	// MadeAnnotation of the CA Secret is when the CA was made (RFC 3339).
	MadeAnnotation = domain + "made"
	// ServerAnnotation of the CA Secret names the server Secret as
	// NAME/CERTIFICATE-KEY, PairAnnotation its own data keys as
	// CERTIFICATE-KEY,KEY-KEY,PREVIOUS-KEY.
	ServerAnnotation = domain + "webhook-server-secret"
	PairAnnotation   = domain + "webhook-ca-keys"
	// RotateAnnotation of the CA Secret asks for a rotation: "ca" or "server",
	// a space, and anything that makes it unlike the one before. It has been
	// done when RotatedAnnotation of that Secret has the same value.
	RotateAnnotation  = domain + "rotate"
	RotatedAnnotation = domain + "rotated"
	// BundleAnnotation of a webhook configuration is the [Mark] of what we put there.
	BundleAnnotation = domain + "ca-bundle"
)

// Values of RoleLabel.
const (
	RoleCA     = "ca"
	RoleServer = "server"
)

// First words of RotateAnnotation.
const (
	RotateCA     = "ca"
	RotateServer = "server"
)

// Phase is where a rotation of the CA stands.
type Phase string

// The phases, in their order.
const (
	// Steady: one CA, in every bundle.
	Steady Phase = "Steady"
	// Spreading: the new CA goes into the bundles beside the old one; the
	// server certificate is still the old CA's.
	Spreading Phase = "Spreading"
	// Serving: the server certificate is the new CA's and is on its way to the
	// servers; the bundles hold both.
	Serving Phase = "Serving"
)

// Phases lists all of them.
func Phases() []Phase { return []Phase{Steady, Spreading, Serving} }

// Mark tells what we last put into a webhook configuration, so that a bundle
// that is only behind can be told from one that somebody else wrote.
type Mark struct {
	Bundle   string   // fingerprint
	Webhooks []string // that it was put into, by name
}

// String is the form of the annotation; names of webhooks hold no space.
func (m Mark) String() string {
	names := slices.Sorted(slices.Values(m.Webhooks))
	return strings.Join(append([]string{m.Bundle}, names...), " ")
}

// Fingerprint names a set of certificates, in whatever order.
func Fingerprint(certs []*x509.Certificate) string {
	var raw [][]byte
	for _, c := range certs {
		raw = append(raw, c.Raw)
	}
	slices.SortFunc(raw, bytes.Compare)
	sum := sha256.New()
	for _, r := range slices.CompactFunc(raw, bytes.Equal) {
		sum.Write(r)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// ParseMark reads an annotation; an empty one is the zero Mark.
func ParseMark(text string) Mark {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Mark{}
	}
	return Mark{Bundle: words[0], Webhooks: words[1:]}
}
