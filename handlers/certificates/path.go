package certificates

import (
	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Path is how an issuance will go, as far as can be told before it begins.
type Path int

const (
	// Slow waits for somebody else, to sign, to approve or to mend the issuer:
	// progress is written down before the request, where that can be seen.
	Slow Path = iota
	// Remote has a server sign. That may outlast this process, so the key is
	// kept, but it usually takes seconds: progress is written down once it has
	// taken longer (progressAfter).
	Remote
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
	case issuer.GetSpec().ACME != nil, issuer.GetSpec().Vault != nil, issuer.GetSpec().Venafi != nil:
		return Remote
	default:
		return Slow
	}
}
