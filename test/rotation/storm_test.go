package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// storm is a GitOps tool that resets the bundle for a minute, as often as it
// can: it is put back each time, with hardly a new CA.
func storm(s *space) {
	must(s.T, s.w.stage.Clients.EnsureNamespace(s.Context(), s.name))
	s.prepare(row{})
	s.untilWell(true, func(*state) bool { return true })
	cas, resets := map[string]bool{}, 0
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-time.After(200 * time.Millisecond) {
		now := s.look()
		cas[string(now.ca.Data["ca.crt"])] = true
		if now.hook != nil && now.hook.Webhooks[0].ClientConfig.CABundle != nil {
			s.overwrite(nil)
			resets++
		}
	}
	s.Logf("the bundle was reset %d times; CAs in that minute: %d new ones", resets, len(cas)-1)
	if len(cas) > 2 {
		s.Errorf("%d CAs were made in a minute, want 1", len(cas)-1)
	}
	if resets < 50 {
		s.Errorf("the bundle was put back only %d times", resets)
	}
	s.untilWell(true, func(*state) bool { return true })
	s.toldOf("CABundleOverwritten", "leave caBundle out of what is applied")
}

// metrics are there for every set, with what they stand for.
func (w *world) metrics(t *testing.T) {
	t.Parallel()
	s := w.space(t, "metrics")
	must(t, w.stage.Clients.EnsureNamespace(t.Context(), s.name))
	s.prepare(row{})
	now := s.untilWell(true, func(*state) bool { return true })
	got, err := w.daemon.Metrics(t.Context())
	must(t, err)
	set := map[string]string{"set": "metrics"}
	block, _ := pem.Decode(now.server.Data["tls.crt"])
	leaf, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	if end := got.Sum("certwright_webhook_leaf_not_after_timestamp_seconds", set); int64(end) != leaf.NotAfter.Unix() {
		t.Errorf("end of the server certificate: %v, want %v", end, leaf.NotAfter.Unix())
	}
	if !got.Has("certwright_webhook_ca_not_after_timestamp_seconds", set) {
		t.Error("no end of the CA")
	}
	if n := got.Sum("certwright_webhook_rotation_phase", map[string]string{"set": "metrics", "phase": "Steady"}); n != 1 {
		t.Errorf("phase Steady: %v", n)
	}
	if n := got.Sum("certwright_webhook_regenerations_total", map[string]string{"set": "metrics", "cause": "ca-missing"}); n != 1 {
		t.Errorf("CAs made: %v", n)
	}
}

// toldOf waits for an event about the set's webhook configuration.
func (s *space) toldOf(reason, text string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	_, err := s.w.stage.Clients.Events().UntilAll(ctx, metav1.NamespaceDefault, func(all []*corev1.Event) bool {
		for _, e := range all {
			if e.InvolvedObject.Name == s.name && e.Reason == reason && strings.Contains(e.Message, text) {
				return true
			}
		}
		return false
	})
	must(s.T, err)
}

// triggered has the custom resource of a set appear while the daemon runs: it
// is watched from then on.
func triggered(s *space) {
	must(s.T, s.w.stage.Clients.EnsureNamespace(s.Context(), s.name))
	s.prepare(row{})
	s.untilWell(true, func(*state) bool { return true })
	ctx, cancel := context.WithTimeout(s.Context(), 2*patience)
	defer cancel()
	objects, err := harness.ParseManifests([]byte(btpOperators))
	must(s.T, err)
	must(s.T, s.w.stage.Clients.Apply(ctx, objects[0]))
	must(s.T, s.w.stage.Clients.Apply(ctx, objects[1]))
	for !strings.Contains(s.w.daemon.Log(), "Watching the resource that triggers a set") {
		select {
		case <-ctx.Done():
			s.Fatal("the custom resource is not watched")
		case <-time.After(200 * time.Millisecond):
		}
	}
	if strings.Contains(s.w.daemon.Log(), "May not watch") {
		s.Error("the daemon lacks a right; see its log")
	}
}

const btpOperators = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: btpoperators.operator.kyma-project.io}
spec:
  group: operator.kyma-project.io
  names: {kind: BtpOperator, listKind: BtpOperatorList, plural: btpoperators, singular: btpoperator}
  scope: Namespaced
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: operator.kyma-project.io/v1alpha1
kind: BtpOperator
metadata: {name: btpoperator, namespace: trigger}
`

// status is what an operator sees of the set that just works.
func (w *world) status(t *testing.T) {
	t.Parallel()
	s := w.space(t, "status")
	must(t, w.stage.Clients.EnsureNamespace(t.Context(), s.name))
	s.prepare(row{})
	s.untilWell(true, func(*state) bool { return true })
	out, err := exec.CommandContext(t.Context(), w.stage.Binary, "status", "webhooks", "-n", "status",
		"--kubeconfig", w.stage.Cluster.Kubeconfig()).CombinedOutput()
	must(t, err)
	for _, want := range []string{"status", "Steady", "ca-server-cert", "webhook-server-cert", "in 9y", "1 of 1 in place"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
