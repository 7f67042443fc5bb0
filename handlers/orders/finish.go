package orders

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// finalize sends the CSR, and does not wait for the certificate.
func (h *Handler) finalize(ctx context.Context, o Observed, s Finalize) (queue.Result, error) {
	csr, err := parseRequest(o.Order.Spec.Request)
	if err != nil {
		return queue.Result{}, h.fail(ctx, o, Fail{State: cmacme.Errored, Reason: "spec.request: " + err.Error()})
	}
	account, err := h.Accounts.Of(ctx, o.Issuer)
	if err != nil {
		return h.fault(ctx, o, err)
	}
	got, err := h.Server.Finalize(ctx, account, s.Order, csr.Raw)
	if is(err, acme.Gone) {
		err = transient(err) // the next look at the order tells
	}
	if err != nil {
		return h.fault(ctx, o, err)
	}
	wait := time.Millisecond
	if got.State != acme.Valid {
		o.Remote, o.Polls = &Remote{Order: got}, 0
		wait = o.patience()
	}
	h.memory.change(o.Order, func(r *recollection) { r.polls, r.faults, r.quiet = 1, 0, h.Clock.Now().Add(wait) })
	return queue.Result{After: wait}, nil
}

// parseRequest reads a CSR in PEM, and in DER, which the field's description
// speaks of.
func parseRequest(data []byte) (*x509.CertificateRequest, error) {
	if block, _ := pem.Decode(data); block == nil {
		if csr, err := x509.ParseCertificateRequest(data); err == nil {
			return csr, nil
		}
	}
	return pki.ParseRequest(data)
}

// collect fetches the certificate and ends the Order with it, in one write.
func (h *Handler) collect(ctx context.Context, o Observed, s Collect) (queue.Result, error) {
	account, err := h.Accounts.Of(ctx, o.Issuer)
	if err != nil {
		return h.fault(ctx, o, err)
	}
	chain, err := h.Server.Certificate(ctx, account, s.Order.CertificateURL, o.Issuer.GetSpec().ACME.PreferredChain)
	if is(err, acme.Gone) {
		err = transient(err) // some servers show it a moment after they say it is there
	}
	if err != nil {
		return h.fault(ctx, o, err)
	}
	if fault := check(o.Order, chain); fault != "" {
		return queue.Result{}, h.fail(ctx, o, Fail{State: cmacme.Errored, Reason: fault})
	}
	next := o.Order.DeepCopy()
	next.Status.State, next.Status.Certificate, next.Status.Reason = cmacme.Valid, chain, ""
	if err := h.write(ctx, o.Order, next); err != nil {
		return queue.Result{}, err
	}
	h.Events.Event(o.Order, corev1.EventTypeNormal, reasonComplete, messageComplete)
	return queue.Result{}, nil
}

// check says what is wrong with a certificate; empty when it is the one that
// was asked for.
func check(o *cmacme.Order, chain []byte) string {
	certs, err := pki.ParseCertificates(chain)
	if err != nil {
		return "The ACME server's certificate cannot be read: " + err.Error()
	}
	csr, err := parseRequest(o.Spec.Request)
	if err != nil {
		return "spec.request: " + err.Error()
	}
	leaf := certs[0]
	if !pki.SamePublicKey(leaf.PublicKey, csr.PublicKey) {
		return "The ACME server certified another key than the one of spec.request: another order of this account was answered"
	}
	dns, ips := api.OrderNames(&o.Spec)
	for _, name := range dns {
		if !slices.ContainsFunc(leaf.DNSNames, func(has string) bool { return sameName(has, name) }) {
			return fmt.Sprintf("The ACME server's certificate does not have the name %q", name)
		}
	}
	for _, ip := range ips {
		if !slices.ContainsFunc(leaf.IPAddresses, net.ParseIP(ip).Equal) {
			return fmt.Sprintf("The ACME server's certificate does not have the address %s", ip)
		}
	}
	return ""
}

// fail ends an Order without a certificate, and lets go of what is pending for
// it at the server.
func (h *Handler) fail(ctx context.Context, o Observed, s Fail) error {
	reason := s.Reason
	if o.Order.Status.URL != "" {
		reason = h.wordsAndFarewell(ctx, o, reason)
	}
	if reason == "" {
		reason = cmp.Or(s.Else, "The ACME server ended the order and did not say why")
	}
	now := metav1.NewTime(h.Clock.Now().Truncate(time.Second))
	next := o.Order.DeepCopy()
	next.Status.State, next.Status.Reason, next.Status.FailureTime = s.State, reason, &now
	if err := h.write(ctx, o.Order, next); err != nil {
		return err
	}
	if s.Solver {
		h.Events.Event(o.Order, corev1.EventTypeWarning, reasonSolver, reason)
	}
	return nil
}

// wordsAndFarewell looks at each authorization once: for the server's words on a
// failure that has none yet, and to deactivate what is pending. Both are best
// effort: the Order ends in any case, and what stays pending expires.
func (h *Handler) wordsAndFarewell(ctx context.Context, o Observed, reason string) string {
	account, err := h.Accounts.Of(ctx, o.Issuer)
	if err != nil {
		return reason
	}
	for _, a := range o.Order.Status.Authorizations {
		if a.InitialState == cmacme.Valid {
			continue
		}
		got, err := h.Server.Authorization(ctx, account, a.URL)
		if err != nil {
			continue
		}
		if reason == "" {
			reason = words(fullName(a), got)
		}
		if got.State == acme.Pending {
			_ = h.Server.Deactivate(ctx, account, a.URL) // it expires all the same
		}
	}
	return reason
}

// words are the server's on why an authorization failed.
func words(name string, a acme.Authorization) string {
	for _, c := range a.Challenges {
		if c.Problem != nil {
			return fmt.Sprintf("%s could not be proved by %s: %s", name, c.Type, c.Problem.Error())
		}
	}
	switch a.State {
	case acme.Invalid, acme.Expired, acme.Deactivated, acme.Revoked:
		return fmt.Sprintf("The authorization for %s is %s", name, a.State)
	}
	return ""
}
