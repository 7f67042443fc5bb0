package webhookcerts

import (
	"bytes"
	"maps"
	"strconv"
	"time"

	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/internal/webhookset"

	corev1 "k8s.io/api/core/v1"
)

// content is all that we put into a Secret.
type content struct {
	name                string
	labels, annotations map[string]string
	data                map[string][]byte
	absent              string // data key that must not be there; empty: none
}

// isIn reports whether applying c to a Secret would change nothing. A Secret
// that does not exist is nothing to dress.
func (c content) isIn(s *corev1.Secret) bool {
	if s == nil {
		return true
	}
	for k, v := range c.data {
		if got, ok := s.Data[k]; !ok || !bytes.Equal(got, v) {
			return false
		}
	}
	if _, there := s.Data[c.absent]; there && c.absent != "" {
		return false
	}
	return contains(s.Labels, c.labels) && contains(s.Annotations, c.annotations)
}

func contains(all, some map[string]string) bool {
	for k, v := range some {
		if got, ok := all[k]; !ok || got != v {
			return false
		}
	}
	return true
}

func (o *Observed) labels(role string) map[string]string {
	l := maps.Clone(o.Set.Labels)
	if l == nil {
		l = map[string]string{}
	}
	l[webhookset.SetLabel], l[webhookset.RoleLabel] = o.Set.Name, role
	return l
}

// caContent is how the CA Secret should be around the CA it holds.
func (o *Observed) caContent(now time.Time) content {
	set, phase := o.Set, o.phase()
	since := o.CA.annotation(webhookset.SinceAnnotation)
	if _, err := time.Parse(time.RFC3339, since); err != nil || o.CA.annotation(webhookset.PhaseAnnotation) != string(phase) {
		since = stamp(now)
	}
	c := content{
		name: set.CA.Name, labels: o.labels(webhookset.RoleCA),
		annotations: map[string]string{
			webhookset.PhaseAnnotation: string(phase), webhookset.SinceAnnotation: since,
			webhookset.ServerAnnotation: set.Server.Name + "/" + set.Server.CertKey,
			webhookset.PairAnnotation:   set.CA.CertKey + "," + set.CA.KeyKey + "," + set.PreviousKey,
		},
		data: map[string][]byte{},
	}
	// What is true of the CA stays true of it.
	for _, k := range []string{webhookset.CauseAnnotation, webhookset.MadeAnnotation, webhookset.RemadeAnnotation, webhookset.RotatedAnnotation} {
		if v := o.CA.annotation(k); v != "" {
			c.annotations[k] = v
		}
	}
	if o.CA.Secret != nil {
		c.data[set.CA.CertKey], c.data[set.CA.KeyKey] = o.CA.Secret.Data[set.CA.CertKey], o.CA.Secret.Data[set.CA.KeyKey]
		c.previous(o, o.CA.Secret.Data[set.PreviousKey])
	}
	return c
}

// previous keeps the old CAs as they are stored, or says that they must go.
func (c *content) previous(o *Observed, stored []byte) {
	switch {
	case len(o.Old) == 0:
		c.absent = o.Set.PreviousKey
	case fingerprintOf(stored) == webhookset.Fingerprint(o.Old):
		c.data[o.Set.PreviousKey] = stored
	default: // one of them has come to its end
		c.data[o.Set.PreviousKey] = pki.EncodeCertificates(o.Old...)
	}
}

// newCA is what the CA Secret becomes with a new CA.
func (o *Observed) newCA(ca Pair, certPEM, keyPEM []byte, step MakeCA, now time.Time) content {
	next := *o
	next.CA.Cert, next.Old = ca.Cert, without(o.outgoing(now), ca.Cert)
	c := next.caContent(now)
	c.annotations[webhookset.CauseAnnotation] = string(step.Cause)
	c.annotations[webhookset.MadeAnnotation], c.annotations[webhookset.SinceAnnotation] = stamp(now), stamp(now)
	c.annotations[webhookset.RemadeAnnotation] = strconv.Itoa(step.Remade)
	if o.asked() == webhookset.RotateCA {
		c.annotations[webhookset.RotatedAnnotation] = o.CA.annotation(webhookset.RotateAnnotation)
	}
	c.data[o.Set.CA.CertKey], c.data[o.Set.CA.KeyKey] = certPEM, keyPEM
	delete(c.data, o.Set.PreviousKey)
	c.absent = ""
	c.previous(&next, nil)
	return c
}

// serverContent is how the server Secret should be around what it holds.
func (o *Observed) serverContent() content {
	c := content{
		name: o.Set.Server.Name, labels: o.labels(webhookset.RoleServer),
		annotations: map[string]string{}, data: map[string][]byte{},
	}
	if v := o.Server.annotation(webhookset.RotatedAnnotation); v != "" {
		c.annotations[webhookset.RotatedAnnotation] = v
	}
	if s := o.Server.Secret; s != nil {
		c.data[o.Set.Server.CertKey], c.data[o.Set.Server.KeyKey] = s.Data[o.Set.Server.CertKey], s.Data[o.Set.Server.KeyKey]
	}
	return c
}

// stamp is a time as annotations have it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
