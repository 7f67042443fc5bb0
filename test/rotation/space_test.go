package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/harness"
)

// patience bounds a single wait, far above what anything takes.
const patience = 90 * time.Second

// world is one control plane and one daemon with a set for each row.
type world struct {
	stage  *harness.Stage
	daemon *harness.Daemon
	before map[string]*state // of rows that begin before the daemon
}

func openWorld(t *testing.T) *world {
	stage, err := harness.Open(t.Context(), harness.StageOptions{Log: os.Stderr})
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(stage.Logs())
		}
		must(t, stage.Close())
	})
	return &world{stage: stage, before: map[string]*state{}}
}

// start starts the daemon.
func (w *world) start(t *testing.T) {
	var text strings.Builder
	text.WriteString("apiVersion: certwright.dev/v1alpha1\nkind: Configuration\nwebhookCertificates:\n")
	set := func(name, settings string) {
		fmt.Fprintf(&text, "- name: %s\n  namespace: %[1]s\n  service: hook\n  webhooks: {validating: [%[1]s]}\n"+
			"  graceTime: 2s\n  propagationTime: 1s\n  labels: {app: proof}\n", name)
		if settings != "" {
			text.WriteString("  " + settings + "\n")
		}
	}
	for name, r := range rows {
		set(name, r.settings)
	}
	set("storm", "")
	set("metrics", "")
	set("status", "")
	set("trigger", "trigger: {group: operator.kyma-project.io, version: v1alpha1, kind: BtpOperator}")
	path := filepath.Join(w.stage.Dir, "rows.yaml")
	must(t, os.WriteFile(path, []byte(text.String()), 0o600))
	var err error
	w.daemon, err = w.stage.NewDaemon(harness.DaemonOptions{
		Args: []string{"--config", path, "--leader-elect=false"}, Env: []string{"KUBE_CACHE_MUTATION_DETECTOR=true"}})
	must(t, err)
	must(t, w.daemon.Start())
	must(t, w.daemon.WaitReady(t.Context()))
}

// space is the namespace of one row, and its set's.
type space struct {
	*testing.T
	w        *world
	name     string
	stranger *authority // a CA that is not the set's
}

func (w *world) space(t *testing.T, name string) *space {
	return &space{T: t, w: w, name: name, stranger: newAuthority(t, false, 3000*day)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *space) prepare(r row) {
	s.Helper()
	if r.begin != nil {
		r.begin(s)
		s.w.before[s.name] = s.look()
	}
	if !r.late {
		var bundle []byte
		if r.begin != nil {
			bundle = s.look().ca.Data["ca.crt"]
		}
		s.createHook(bundle)
	}
}

// createHook creates a configuration of two webhooks that are never called.
func (s *space) createHook(bundle []byte) {
	s.Helper()
	hook := &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: s.name}}
	for _, name := range []string{"a.example.com", "b.example.com"} {
		hook.Webhooks = append(hook.Webhooks, admissionv1.ValidatingWebhook{
			Name: name, AdmissionReviewVersions: []string{"v1"}, SideEffects: ptr.To(admissionv1.SideEffectClassNone),
			ClientConfig: admissionv1.WebhookClientConfig{
				Service: &admissionv1.ServiceReference{Namespace: s.name, Name: "hook"}, CABundle: bundle},
		})
	}
	_, err := s.hooks().Create(s.Context(), hook, metav1.CreateOptions{})
	must(s.T, err)
}

type hookClient interface {
	Create(context.Context, *admissionv1.ValidatingWebhookConfiguration, metav1.CreateOptions) (*admissionv1.ValidatingWebhookConfiguration, error)
	Update(context.Context, *admissionv1.ValidatingWebhookConfiguration, metav1.UpdateOptions) (*admissionv1.ValidatingWebhookConfiguration, error)
	Get(context.Context, string, metav1.GetOptions) (*admissionv1.ValidatingWebhookConfiguration, error)
}

func (s *space) hooks() hookClient {
	return s.w.stage.Clients.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations()
}

func (s *space) delete(name string) {
	s.Helper()
	must(s.T, s.w.stage.Clients.Kube.CoreV1().Secrets(s.name).Delete(s.Context(), name, metav1.DeleteOptions{}))
}

func (s *space) create(secret *corev1.Secret, name string) {
	s.Helper()
	secret.Namespace, secret.Name = s.name, name
	_, err := s.w.stage.Clients.Kube.CoreV1().Secrets(s.name).Create(s.Context(), secret, metav1.CreateOptions{})
	must(s.T, err)
}

// put stores a CA and a server certificate by it, as another program left them.
func (s *space) put(ca *authority, life time.Duration) {
	s.Helper()
	leaf := ca.server(s.T, ca.rsa, life, "hook."+s.name+".svc", "hook."+s.name)
	s.create(&corev1.Secret{Data: map[string][]byte{"ca.crt": ca.certPEM, "ca.key": ca.keyPEM}}, caSecret)
	s.create(&corev1.Secret{Data: map[string][]byte{"tls.crt": leaf.certPEM, "tls.key": leaf.keyPEM}}, tlsSecret)
}

// edit changes data as `kubectl edit` does: pairs of key and value.
func (s *space) edit(name string, pairs ...any) {
	s.Helper()
	s.change(name, func(secret *corev1.Secret) {
		for i := 0; i < len(pairs); i += 2 {
			value, _ := pairs[i+1].([]byte)
			secret.Data[pairs[i].(string)] = value
		}
	})
}

func (s *space) strip(name string) {
	s.Helper()
	s.change(name, func(secret *corev1.Secret) { secret.Labels = nil })
}

func (s *space) change(name string, do func(*corev1.Secret)) {
	s.Helper()
	client := s.w.stage.Clients.Kube.CoreV1().Secrets(s.name)
	must(s.T, retry.RetryOnConflict(retry.DefaultRetry, func() error {
		secret, err := client.Get(s.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		do(secret)
		_, err = client.Update(s.Context(), secret, metav1.UpdateOptions{})
		return err
	}))
}

// overwrite sets every bundle, as a tool does that knows better.
func (s *space) overwrite(bundle []byte) {
	s.Helper()
	must(s.T, retry.RetryOnConflict(retry.DefaultRetry, func() error {
		hook, err := s.hooks().Get(s.Context(), s.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for i := range hook.Webhooks {
			hook.Webhooks[i].ClientConfig.CABundle = bundle
		}
		_, err = s.hooks().Update(s.Context(), hook, metav1.UpdateOptions{})
		return err
	}))
}

// state is all there is of a set; what does not exist is empty.
type state struct {
	ca, server *corev1.Secret
	hook       *admissionv1.ValidatingWebhookConfiguration
}

func (s *space) look() *state {
	now := &state{ca: s.secret(caSecret), server: s.secret(tlsSecret)}
	if hook, err := s.hooks().Get(s.Context(), s.name, metav1.GetOptions{}); err == nil {
		now.hook = hook
	}
	return now
}

func (s *space) secret(name string) *corev1.Secret {
	secret, err := s.w.stage.Clients.Kube.CoreV1().Secrets(s.name).Get(s.Context(), name, metav1.GetOptions{})
	if err != nil {
		return &corev1.Secret{}
	}
	return secret
}

// well tells why a set is not as it should be at rest; empty when it is.
func (now *state) well(s *space, hooked bool) string {
	if fault := pairFault(now.ca.Data["ca.crt"], now.ca.Data["ca.key"]); fault != "" {
		return "CA: " + fault
	}
	if fault := pairFault(now.server.Data["tls.crt"], now.server.Data["tls.key"]); fault != "" {
		return "server: " + fault
	}
	if fault := verifies(now.ca.Data["ca.crt"], now.server.Data["tls.crt"], "hook."+s.name+".svc"); fault != "" {
		return fault
	}
	switch {
	case now.ca.Annotations["certwright.dev/rotation-phase"] != "Steady":
		return "a rotation is under way"
	case now.ca.Labels["app"] == "" || now.server.Labels["app"] == "":
		return "labels are missing"
	case now.ca.Data["ca-old.crt"] != nil:
		return "the old CA is still there"
	case !hooked:
		return ""
	case now.hook == nil:
		return "there is no webhook configuration"
	}
	if slices.ContainsFunc(now.hook.Webhooks, func(w admissionv1.ValidatingWebhook) bool {
		return !bytes.Equal(w.ClientConfig.CABundle, now.ca.Data["ca.crt"])
	}) {
		return "a bundle is not the CA"
	}
	return ""
}

// untilWell waits until all is as it should be, and want holds too.
func (s *space) untilWell(hooked bool, want func(*state) bool) *state {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	for {
		now := s.look()
		fault := now.well(s, hooked)
		if fault == "" && want(now) {
			return now
		}
		select {
		case <-ctx.Done():
			s.Fatalf("not well in the end: %q; CA %v, server %v", fault, now.ca.Annotations, now.server.Annotations)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// rests checks that nothing is written any more.
func (s *space) rests(was *state) {
	s.Helper()
	<-time.After(3 * time.Second)
	now := s.look()
	if now.ca.ResourceVersion != was.ca.ResourceVersion || now.server.ResourceVersion != was.server.ResourceVersion ||
		now.hook.ResourceVersion != was.hook.ResourceVersion {
		s.Errorf("there were writes though all was well: %v, then %v", was.ca.Annotations, now.ca.Annotations)
	}
}
