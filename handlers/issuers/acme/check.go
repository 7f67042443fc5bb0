package acme

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/certwright/certwright/handlers/issuers"
	proto "github.com/certwright/certwright/internal/acme"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

// Reasons of the API contract, section 1.3.
const (
	reasonRegistered = "ACMEAccountRegistered"
	reasonRegister   = "ErrRegisterACMEAccount"
	reasonVerify     = "ErrVerifyACMEAccount"
	reasonUpdate     = "ErrUpdateACMEAccount"
	reasonURL        = "InvalidURL"

	eventFailed = "ErrInitIssuer"
)

// messageRegistered is what is said of an account that is in order.
const messageRegistered = "The ACME account is registered"

// again is after how long a refusal is tried out again when nothing has
// changed here: what was wrong may have been mended at the CA.
const again = time.Hour

// Check brings the account in step with the issuer. Most often there is nothing
// to do, and nothing is asked of the server.
func (b *Backend) Check(ctx context.Context, i issuers.Issuer) (issuers.Readiness, error) {
	spec := i.Spec.ACME
	if err := proto.DirectoryOf(spec).Check(); err != nil {
		return failed(reasonURL, err.Error()), nil
	}
	key, err := b.key(ctx, i)
	var fault *proto.Fault
	switch {
	case errors.As(err, &fault):
		return failed(reasonVerify, fault.Message), nil
	case err != nil:
		return issuers.Readiness{}, err
	}
	account := proto.Account{Directory: proto.DirectoryOf(spec), Key: key}
	b.uses(i, account)
	o := Observed{Spec: spec, Status: statusOf(i)}
	if o.Registered = proto.RegisteredWith(spec, o.Status, key); o.Registered {
		account.URL = o.Status.URI
		_, o.Lost = b.server.Lost(account)
	}
	switch Next(o).(type) {
	case Register:
		return b.register(ctx, i, account)
	case UpdateEmail:
		return b.updateEmail(ctx, i, account)
	default:
		return b.rest(i, account, nil), nil
	}
}

func statusOf(i issuers.Issuer) *cmacme.ACMEIssuerStatus {
	if i.Status == nil {
		return nil
	}
	return i.Status.ACME
}

// rest is the readiness of an account that is in order.
func (b *Backend) rest(i issuers.Issuer, a proto.Account, stored *cmacme.ACMEIssuerStatus) issuers.Readiness {
	b.forgive(i)
	r := issuers.Readiness{Ready: true, Reason: reasonRegistered, Message: messageRegistered, ACME: stored}
	if until, why := b.server.PausedUntil(a); !until.IsZero() {
		r.Message += "; " + proto.DescribePause(until, why)
		r.Recheck = max(until.Sub(b.clock.Now()), time.Second)
	}
	return r
}

func failed(reason, message string) issuers.Readiness {
	return issuers.Readiness{Reason: reason, Message: message, Event: eventFailed}
}

// register makes or finds the account, unless the very same was refused lately.
func (b *Backend) register(ctx context.Context, i issuers.Issuer, a proto.Account) (issuers.Readiness, error) {
	spec := i.Spec.ACME
	binding, fault, err := b.binding(ctx, i)
	if err != nil {
		return issuers.Readiness{}, err
	}
	if fault != "" {
		return failed(reasonRegister, fault), nil
	}
	asked := questionOf(a, spec, binding)
	if r, ok := b.refused(i, asked); ok {
		return r, nil
	}
	a.URL = "" // whatever it was
	made, err := b.server.Register(ctx, a, proto.Registration{Email: spec.Email, Binding: binding})
	if err != nil {
		return b.fault(i, a, asked, reasonRegister, err), nil
	}
	a.URL = made.URL
	stored := &cmacme.ACMEIssuerStatus{URI: made.URL, LastRegisteredEmail: spec.Email, LastPrivateKeyHash: proto.KeyHash(a.Key)}
	if !made.New && spec.Email != "" && len(made.Emails) > 0 && made.Emails[0] != spec.Email {
		// A server keeps the contact of an account that exists. This will be
		// looked at again: it is the next step.
		stored.LastRegisteredEmail = made.Emails[0]
	}
	return b.rest(i, a, stored), nil
}

// updateEmail tells the server another contact. The account works meanwhile.
func (b *Backend) updateEmail(ctx context.Context, i issuers.Issuer, a proto.Account) (issuers.Readiness, error) {
	spec := i.Spec.ACME
	asked := questionOf(a, spec, nil)
	if r, ok := b.refused(i, asked); ok {
		return r, nil
	}
	err := b.server.UpdateEmail(ctx, a, spec.Email)
	if err == nil {
		stored := statusOf(i).DeepCopy()
		stored.LastRegisteredEmail = spec.Email
		return b.rest(i, a, stored), nil
	}
	r := b.fault(i, a, asked, reasonUpdate, err)
	if r.Err != nil || r.Recheck > 0 && !refusedFor(err) {
		r.Ready, r.Reason, r.Event = true, reasonRegistered, ""
		r.Message = messageRegistered + "; its e-mail address could not be changed yet: " + r.Message
	}
	return r, nil
}

// fault is the readiness after a call that failed.
func (b *Backend) fault(i issuers.Issuer, a proto.Account, asked question, reason string, err error) issuers.Readiness {
	r := failed(reason, err.Error())
	var e *proto.Error
	if !errors.As(err, &e) {
		r.Err = err
		return r
	}
	switch e.Class {
	case proto.Paused:
		r.Recheck = e.RetryAfter
		if until, why := b.server.PausedUntil(a); !until.IsZero() {
			r.Message = proto.DescribePause(until, why)
			r.Recheck = max(until.Sub(b.clock.Now()), time.Second)
		}
	case proto.Transient:
		r.Err = err
	default:
		r.Message += remedy(e, i.Spec.ACME)
		r.Recheck = again
		b.refuse(i, asked, r)
	}
	return r
}

// refusedFor tells a server's No from a fault that passes.
func refusedFor(err error) bool {
	var e *proto.Error
	return errors.As(err, &e) && e.Class != proto.Paused && e.Class != proto.Transient
}

// remedy adds to a refusal in the server's words what to do here.
func remedy(e *proto.Error, spec *cmacme.ACMEIssuer) string {
	switch {
	case e.Type == "externalAccountRequired":
		return ": set spec.acme.externalAccountBinding with the key id and HMAC key that the CA has given you"
	case e.Type == "invalidContact" || e.Type == "unsupportedContact":
		return ": set spec.acme.email to an address that the CA takes, or leave it out"
	case e.Class == proto.NoAccount:
		return fmt.Sprintf(": the CA has closed the account of this key; delete Secret %q to have another one made, or store another key in it", spec.PrivateKey.Name)
	case e.Type == "unauthorized" && spec.ExternalAccountBinding != nil:
		return ": check spec.acme.externalAccountBinding: its key id and HMAC key must be those that the CA has given you"
	default:
		return ""
	}
}
