package main

import (
	"bytes"
	"maps"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// rows are the decision table again, on a real API server: each is a set of
// its own, first as it begins, then spoilt, then mended. Whatever happens, in
// the end the server certificate is of the CA and every webhook trusts it.
var rows = map[string]row{
	"absent": {},
	"ca-deleted": {
		spoil: func(s *space) { s.delete(caSecret) }, newCA: true, newServer: true},
	"server-deleted": {
		spoil: func(s *space) { s.delete(tlsSecret) }, newServer: true},
	"both-deleted": {
		spoil: func(s *space) { s.delete(caSecret); s.delete(tlsSecret) }, newCA: true, newServer: true},
	"ca-key-swapped": {
		spoil: func(s *space) { s.edit(caSecret, "ca.key", s.stranger.keyPEM) }, newCA: true, newServer: true},
	"ca-garbage": {
		spoil: func(s *space) { s.edit(caSecret, "ca.crt", []byte("garbage")) }, newCA: true, newServer: true},
	"ca-keys-empty": {
		spoil: func(s *space) { s.edit(caSecret, "ca.crt", nil, "ca.key", nil) }, newCA: true, newServer: true},
	"ca-of-another": {
		spoil: func(s *space) { s.edit(caSecret, "ca.crt", s.stranger.certPEM, "ca.key", s.stranger.keyPEM) }, newCA: true, newServer: true},
	"server-key-swapped": {
		spoil: func(s *space) { s.edit(tlsSecret, "tls.key", s.stranger.keyPEM) }, newServer: true},
	"server-garbage": {
		spoil: func(s *space) {
			s.edit(tlsSecret, "tls.crt", []byte("-----BEGIN CERTIFICATE-----\nZ\n-----END CERTIFICATE-----\n"))
		}, newServer: true},
	"server-keys-empty": {
		spoil: func(s *space) { s.edit(tlsSecret, "tls.crt", nil, "tls.key", nil) }, newServer: true},
	"server-of-another": {
		spoil: func(s *space) {
			leaf := s.stranger.server(s.T, false, 300*day)
			s.edit(tlsSecret, "tls.crt", leaf.certPEM, "tls.key", leaf.keyPEM)
		}, newCA: true, newServer: true},
	"bundle-emptied": {
		spoil: func(s *space) { s.overwrite(nil) }, newCA: true, newServer: true},
	"bundle-of-another": {
		spoil: func(s *space) { s.overwrite(s.stranger.certPEM) }, newCA: true, newServer: true},
	"bundle-restored": {
		settings: "onBundleDrift: restore", spoil: func(s *space) { s.overwrite(nil) }},
	"labels-removed": {
		spoil: func(s *space) { s.strip(caSecret); s.strip(tlsSecret) }},
	"hook-created-late": {
		late: true, spoil: func(s *space) { s.createHook(nil) }},
	"ca-near-expiry": {
		begin: func(s *space) { s.put(newAuthority(s.T, false, time.Hour), time.Hour) }, newCA: true, newServer: true},
	"server-near-expiry": {
		begin: func(s *space) { s.put(newAuthority(s.T, false, 3000*day), time.Hour) }, newServer: true},
	"old-ca-by-hand": {
		spoil: func(s *space) { s.edit(caSecret, "ca-old.crt", s.stranger.certPEM) }},
	"rsa-kept": {
		begin: func(s *space) { s.put(newAuthority(s.T, true, 3000*day), 300*day) }},
	"type-in-the-way": {
		begin: func(s *space) {
			s.create(&corev1.Secret{Type: corev1.SecretTypeTLS, Data: map[string][]byte{"tls.crt": nil, "tls.key": nil}}, tlsSecret)
			s.create(&corev1.Secret{Type: corev1.SecretTypeBasicAuth, Data: map[string][]byte{"username": []byte("u")}}, caSecret)
		}, newServer: true, newCA: true},
}

// row is one line of the table.
type row struct {
	settings string       // of the set, in YAML
	late     bool         // there is no webhook configuration at first
	begin    func(*space) // what exists before the daemon does
	spoil    func(*space) // what somebody does once all is well
	// newCA and newServer tell what is made anew for it.
	newCA, newServer bool
}

func TestRows(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes of waiting for grace times: part of make prove-rotation")
	}
	w := openWorld(t)
	for name, r := range rows {
		s := w.space(t, name)
		must(t, w.stage.Clients.EnsureNamespace(t.Context(), name))
		if r.begin != nil {
			s.prepare(r)
		}
	}
	w.start(t)
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := w.space(t, name)
			if r.begin != nil {
				s.endsWell(s.w.before[name], r)
				return
			}
			s.prepare(r)
			before := s.untilWell(!r.late, func(*state) bool { return true })
			if r.spoil != nil {
				r.spoil(s)
				s.endsWell(before, r)
			}
		})
	}
	t.Run("metrics", w.metrics)
	t.Run("status", w.status)
	t.Run("storm", func(t *testing.T) {
		t.Parallel()
		storm(w.space(t, "storm"))
	})
	t.Run("trigger", func(t *testing.T) {
		t.Parallel()
		triggered(w.space(t, "trigger"))
	})
}

// endsWell waits until all is well again, and holds what was made anew
// against the row.
func (s *space) endsWell(before *state, r row) {
	s.Helper()
	after := s.untilWell(true, func(now *state) bool {
		return r.newCA == !bytes.Equal(now.ca.Data["ca.crt"], before.ca.Data["ca.crt"]) &&
			r.newServer == !bytes.Equal(now.server.Data["tls.crt"], before.server.Data["tls.crt"])
	})
	if s.Failed() {
		return
	}
	if !r.newCA && !bytes.Equal(after.ca.Data["ca.key"], before.ca.Data["ca.key"]) {
		s.Error("the CA's key was written anew")
	}
	for _, secret := range []*corev1.Secret{after.ca, after.server} {
		if secret.Labels["app"] != "proof" || secret.Labels["certwright.dev/webhook-set"] != s.name {
			s.Errorf("labels of %s: %v", secret.Name, maps.Clone(secret.Labels))
		}
	}
	s.rests(after)
}
