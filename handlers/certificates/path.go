package certificates

import (
	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Path is how an issuance will go, as far as can be told before it begins.
type Path int

const (
	// Slow may outlast this process: progress is written down before the request.
	Slow Path = iota
	// KeyInSecret is signed at once, but by who must read the key.
	KeyInSecret
	// Immediate is signed at once, and the key stays in memory until stored.
	Immediate
)

// path looks at the issuer and at who approves.
func path(issuer cmapi.GenericIssuer, approvesItself bool) Path {
	switch {
	case issuer == nil || !approvesItself || !api.IssuerReady(issuer):
		return Slow
	case issuer.GetSpec().CA != nil:
		return Immediate
	case issuer.GetSpec().SelfSigned != nil:
		return KeyInSecret
	default:
		return Slow
	}
}
