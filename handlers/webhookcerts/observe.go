package webhookcerts

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/internal/webhookset"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Observed is all that Next looks at.
type Observed struct {
	Set *webhookset.Set

	CA     Pair
	Old    []*x509.Certificate // CAs on their way out; none when steady
	Server Pair
	Hooks  []Hook // the webhook configurations of the set

	// Owed is why a new CA is to be made though nothing is wrong any more.
	Owed Cause
	// Fresh is set from a CA's making until its first server certificate: what
	// that replaces was spoilt by nobody.
	Fresh bool
	// Remade is how many CAs were made in a row because something was spoilt,
	// and Made when the last CA was made; zero when that is not known.
	Remade int
	Made   time.Time

	// SpreadSince is since when every bundle has been seen as it should be;
	// zero when one is not.
	SpreadSince time.Time
	// MayMend is from when an overwritten bundle may be put back; zero: at once.
	MayMend time.Time
	// Sight is what was seen served, SeenSince since when it has been served
	// by all; only looked for while it matters.
	Sight     Sight
	SeenSince time.Time

	NoOverlap bool
}

// Pair is a certificate and its key, as a Secret holds them.
type Pair struct {
	Secret *corev1.Secret // nil when it does not exist
	// Fault is why the two cannot be used, apart from their dates; empty when
	// they can.
	Fault string
	Cert  *x509.Certificate // nil when it cannot be read
	Key   crypto.Signer
}

func (p Pair) end() time.Time {
	if p.Cert == nil {
		return time.Time{}
	}
	return p.Cert.NotAfter
}

// annotation is empty for a Secret that does not exist.
func (p Pair) annotation(key string) string {
	if p.Secret == nil {
		return ""
	}
	return p.Secret.Annotations[key]
}

func (h *Handler) observe(ctx context.Context, set *webhookset.Set) (Observed, error) {
	o := Observed{Set: set, NoOverlap: h.NoOverlap}
	ca, err := h.secret(ctx, set.Namespace, set.CA.Name)
	if err != nil {
		return o, err
	}
	server, err := h.secret(ctx, set.Namespace, set.Server.Name)
	if err != nil {
		return o, err
	}
	now := h.Clock.Now()
	o.CA, o.Server = readCA(ca, set.CA, now), readServer(server, set.Server)
	if ca != nil {
		o.Old = without(certificates(ca.Data[set.PreviousKey], now), o.CA.Cert)
	}
	o.Hooks = hooks(h.Cache, set)
	h.recall(&o, now)
	if o.phase() == webhookset.Serving && set.Probe {
		o.Sight = h.sight(ctx, &o)
	}
	o.SeenSince = h.memory.of(set.Name).saw(o.Sight, now)
	return o, nil
}

// secret reads a Secret; nil when it does not exist. One that the cache does
// not show is looked for at the API server before it counts as gone: a CA made
// in the place of one that is there would be the worst of mistakes.
func (h *Handler) secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	s, err := h.Cache.Secret(ctx, namespace, name)
	if apierrors.IsNotFound(err) {
		s, err = h.Cache.LiveSecret(ctx, namespace, name)
	}
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read Secret %q: %w", name, err)
	}
	return s, nil
}

func readCA(s *corev1.Secret, keys webhookset.Secret, now time.Time) Pair {
	p := Pair{Secret: s}
	if s == nil {
		p.Fault = "Secret does not exist"
		return p
	}
	if all, err := pki.ParseCertificates(s.Data[keys.CertKey]); err == nil {
		p.Cert = all[0]
	}
	pair, err := pki.ParseCA(s.Data[keys.CertKey], s.Data[keys.KeyKey], now)
	if err != nil && !errors.Is(err, pki.ErrCAExpired) && !errors.Is(err, pki.ErrCANotYetValid) {
		p.Fault = err.Error()
		return p
	}
	p.Cert, p.Key = pair.Certificates[0], pair.Key
	return p
}

func readServer(s *corev1.Secret, keys webhookset.Secret) Pair {
	p := Pair{Secret: s}
	if s == nil {
		p.Fault = "Secret does not exist"
		return p
	}
	chain, err := pki.ParseCertificates(s.Data[keys.CertKey])
	if err != nil {
		p.Fault = fmt.Sprintf("data %s: %v", keys.CertKey, err)
		return p
	}
	p.Cert = chain[0]
	if p.Key, err = pki.ParseKey(s.Data[keys.KeyKey]); err != nil {
		p.Fault = fmt.Sprintf("data %s: %v", keys.KeyKey, err)
		return p
	}
	if !pki.SamePublicKey(p.Cert.PublicKey, p.Key.Public()) {
		p.Fault = fmt.Sprintf("data %s and %s do not belong together", keys.CertKey, keys.KeyKey)
	}
	return p
}

// certificates reads those of a bundle that are not past their end; garbage
// is none.
func certificates(bundle []byte, now time.Time) []*x509.Certificate {
	all, err := pki.ParseBundle(bundle)
	if err != nil {
		return nil
	}
	var alive []*x509.Certificate
	for _, c := range all {
		if now.Before(c.NotAfter) {
			alive = append(alive, c)
		}
	}
	return alive
}

// recall adds what the Secret and this process remember.
func (h *Handler) recall(o *Observed, now time.Time) {
	m := h.memory.of(o.Set.Name)
	o.Owed, o.Fresh, o.Remade, o.Made = m.owed, m.fresh, m.remade, m.made
	if made, err := time.Parse(time.RFC3339, o.CA.annotation(webhookset.MadeAnnotation)); err == nil && made.After(o.Made) {
		o.Made = made
		o.Remade = 0
		if n, err := strconv.Atoi(o.CA.annotation(webhookset.RemadeAnnotation)); err == nil && n > 0 {
			o.Remade = n
		}
	}
	o.MayMend = m.mayMend()
	o.SpreadSince = m.spread(o.spreadState(), now)
}
