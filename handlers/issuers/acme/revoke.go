package acme

import (
	"context"
	"errors"
	"fmt"

	"github.com/certwright/certwright/handlers/issuers"
	proto "github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/pki"
)

// Revoke revokes a certificate of the issuer's account.
func (b *Backend) Revoke(ctx context.Context, i issuers.Issuer, leafPEM []byte, reason int) error {
	account, err := b.accounts.Of(ctx, i.Object)
	var fault *proto.Fault
	switch {
	case errors.As(err, &fault):
		return issuers.Refuse(reasonVerify, "%s", fault.Message)
	case err != nil:
		return err
	}
	certs, err := pki.ParseBundle(leafPEM)
	if err != nil || len(certs) == 0 {
		return issuers.Refuse("SigningError", "what is to be revoked is no certificate")
	}
	err = b.server.Revoke(ctx, account, certs[0].Raw, reason)
	var e *proto.Error
	switch {
	case err == nil, errors.As(err, &e) && e.Type == "alreadyRevoked":
		return nil
	case refusedFor(err):
		return issuers.Refuse("SigningError", "the ACME server does not revoke the certificate: %s", e.Error())
	default:
		return fmt.Errorf("revoke the certificate: %w", err)
	}
}
