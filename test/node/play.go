//go:build linux

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/certwright/certwright/test/harness"
)

// nextVersion is what an upgrade goes to.
const nextVersion = "v0.0.1-node"

// form is one way to run certwright in a cluster.
type form struct {
	name string
	// base is the folder below deploy, further what an overlay adds to it.
	base, further string
	// owner is what makes the pods, pods the selector of them.
	namespace, owner, pods string
	// shop is the namespace in which is issued.
	shop string
	// http01 tells whether it proves names to an ACME server.
	http01 bool
	// evict loses a pod by way of the API that heeds PodDisruptionBudgets.
	evict bool
	// serves looks at the server that a sidecar writes files for; nil: there is none.
	serves func(context.Context) error
}

func (w *world) forms() []form {
	daemon := "app.kubernetes.io/name=certwright,app.kubernetes.io/component=daemon"
	forms := []form{
		{name: "deployment", base: "deployment", namespace: "cert-manager", owner: "deployment/certwright", pods: daemon,
			shop: "shop-deployment", http01: true, evict: true},
		{name: "daemonset", base: "daemonset", namespace: "cert-manager", owner: "daemonset/certwright", pods: daemon,
			shop: "shop-daemonset", http01: true},
		{name: "sidecar", base: "sidecar-issuing", further: webhookServer, namespace: operator, owner: "deployment/webhook",
			pods: "app=webhook", shop: operator},
	}
	beside := forms[2]
	forms[2].serves = func(ctx context.Context) error { return w.serves(ctx, beside) }
	return forms
}

// play has each form do all that is asked of it.
func (w *world) play(ctx context.Context) error {
	if err := w.prepare(ctx); err != nil {
		return err
	}
	total, ready := tally{}, 0
	forms := w.forms()
	for _, f := range forms {
		began := time.Now()
		w.progress.Line("%s", f.name)
		t, err := w.perform(ctx, f)
		total.add(t)
		if err != nil {
			w.progress.Line("forms %d ready %d certificates %d failed %d", len(forms), ready, total.certificates, max(1, total.failed))
			return fmt.Errorf("%s: %w", f.name, err)
		}
		ready++
		w.progress.Line("   %-50s %s", "all of it", harness.Elapsed(time.Since(began)))
	}
	w.progress.Line("forms %d ready %d certificates %d failed %d", len(forms), ready, total.certificates, total.failed)
	return total.verdict()
}

// prepare installs what all forms need.
func (w *world) prepare(ctx context.Context) error {
	if _, err := w.kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(w.Root, "deploy")); err != nil {
		return err
	}
	for _, namespace := range []string{"cert-manager", operator} {
		if err := w.restricted(ctx, namespace); err != nil {
			return err
		}
	}
	return nil
}

// perform is the life of a form, from its roll-out to its removal.
func (w *world) perform(ctx context.Context, f form) (tally, error) {
	s := &shop{world: w, form: f}
	for _, act := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"rolled out, all pods ready", func(ctx context.Context) error { return w.rollOut(ctx, f, version) }},
		{"certificates issued", s.open},
		{"served to the neighbour, also after a renewal", f.serves},
		{"upgraded while issuing", s.upgrade},
		{"a pod lost while issuing", s.lose},
		{"every certificate looked at", s.inspect},
		{"logs read", func(ctx context.Context) error { return w.readLogs(ctx, f) }},
		{"removed", func(ctx context.Context) error { return w.remove(ctx, f) }},
	} {
		if act.do == nil {
			continue
		}
		began := time.Now()
		if err := act.do(ctx); err != nil {
			return s.tally, fmt.Errorf("not %s: %w", act.what, err)
		}
		w.progress.Line("   %-50s %s", act.what, harness.Elapsed(time.Since(began)))
	}
	return s.tally, nil
}

// tally counts certificates.
type tally struct{ certificates, failed int }

func (t *tally) add(o tally) {
	t.certificates, t.failed = t.certificates+o.certificates, t.failed+o.failed
}

func (t *tally) verdict() error {
	if t.failed > 0 {
		return fmt.Errorf("%d of %d certificates failed", t.failed, t.certificates)
	}
	return nil
}
