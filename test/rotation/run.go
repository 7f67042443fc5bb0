package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/harness"
)

const (
	namespace = "rotation"
	setName   = "proof"
	caSecret  = "ca-server-cert"
	tlsSecret = "webhook-server-cert"
)

// The mimicked kubelet takes between 1 and 3 s (server.go), a fiftieth of a
// real one's; the times of the set are scaled with it.
const settings = `apiVersion: certwright.dev/v1alpha1
kind: Configuration
webhookCertificates:
- name: ` + setName + `
  namespace: ` + namespace + `
  dnsNames: [127.0.0.1]
  webhooks: {selector: "proof=rotation"}
  graceTime: 5s
  propagationTime: 1s
  probe: %t
`

// run is one proof at work.
type run struct {
	stage    *harness.Stage
	progress *harness.Progress
	overlap  bool
	daemon   *harness.Daemon // looks at what is served
	blind    *harness.Daemon // waits for the grace time
	server   *server
	client   *client
	kills    int
}

func newRun(ctx context.Context, stage *harness.Stage, progress *harness.Progress, overlap bool) (*run, error) {
	r := &run{stage: stage, progress: progress, overlap: overlap}
	if err := stage.Clients.EnsureNamespace(ctx, namespace); err != nil {
		return nil, err
	}
	var err error
	if r.daemon, err = r.newDaemon("probing", true); err != nil {
		return nil, err
	}
	if r.blind, err = r.newDaemon("blind", false); err != nil {
		return nil, err
	}
	if r.server, err = newServer(stage.Clients.Kube); err != nil {
		return nil, err
	}
	if err := r.begin(ctx); err != nil {
		r.server.close()
		return nil, fmt.Errorf("%w\n%s", err, stage.Logs())
	}
	return r, nil
}

func (r *run) newDaemon(name string, probe bool) (*harness.Daemon, error) {
	path := filepath.Join(r.stage.Dir, name+".yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil, settings, probe), 0o600); err != nil {
		return nil, err
	}
	o := harness.DaemonOptions{Name: name, Args: []string{"--config", path, "--leader-elect=false"}}
	if !r.overlap {
		o.Env = []string{"CERTWRIGHT_TEST_OVERLAP=off"}
	}
	return r.stage.NewDaemon(o)
}

// begin waits until the webhook works, and then lets the client loose.
func (r *run) begin(ctx context.Context) error {
	if err := r.createHook(ctx); err != nil {
		return err
	}
	if err := r.daemon.Start(); err != nil {
		return err
	}
	go r.server.follow(ctx)
	r.client = newClient(r.stage.Clients.Kube)
	if err := r.client.untilWorks(ctx); err != nil {
		return err
	}
	r.progress.Line("The webhook works; objects are created without pause from now on.")
	go r.client.run(ctx)
	return nil
}

func (r *run) createHook(ctx context.Context) error {
	hook := &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "rotation", Labels: map[string]string{"proof": "rotation"}},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name: "proof.example.com", AdmissionReviewVersions: []string{"v1"},
			SideEffects: ptr.To(admissionv1.SideEffectClassNone), FailurePolicy: ptr.To(admissionv1.Fail),
			TimeoutSeconds: ptr.To[int32](10),
			ClientConfig:   admissionv1.WebhookClientConfig{URL: ptr.To(r.server.url())},
			Rules: []admissionv1.RuleWithOperations{{
				Operations: []admissionv1.OperationType{admissionv1.Create},
				Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
			}},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespace}},
		}},
	}
	_, err := r.stage.Clients.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, hook, metav1.CreateOptions{})
	return err
}

// rotate rotates by the operator's command: the CA two times of three, else
// the server certificate. From the middle on, the daemon that does not look at
// what is served does it.
func (r *run) rotate(ctx context.Context, rotations int) error {
	for n := range rotations {
		if n == rotations/2 {
			r.daemon.Kill()
			r.daemon = r.blind
			if err := r.daemon.Start(); err != nil {
				return err
			}
		}
		if err := r.rotateOnce(ctx, n%3 != 2); err != nil {
			return fmt.Errorf("rotation %d: %w", n+1, err)
		}
		_, failed := r.client.count()
		r.progress.Bar(fmt.Sprintf("rotations, with %d kills and %d failed requests", r.kills, failed), n+1, rotations)
	}
	// What the last rotation left is seen by some more calls.
	return r.client.some(ctx, 20)
}

// rotateOnce has one rotation go from end to end, and kills the daemon at
// random moments of it.
func (r *run) rotateOnce(ctx context.Context, ca bool) error {
	before, err := r.secrets(ctx)
	if err != nil {
		return err
	}
	if err := r.ask(ctx, ca); err != nil {
		return err
	}
	stop, killed := make(chan struct{}), make(chan error, 1)
	go func() { killed <- r.killAtRandom(stop) }()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err = r.stage.Clients.Secrets().UntilAll(ctx, namespace, func(all []*corev1.Secret) bool { return rotated(before, all, ca) })
	close(stop)
	return errors.Join(err, <-killed)
}

// rotated reports whether all is new that should be, and the rotation over.
func rotated(before, now []*corev1.Secret, ca bool) bool {
	b, n := named(before), named(now)
	if n[caSecret] == nil || n[tlsSecret] == nil || n[caSecret].Annotations["certwright.dev/rotation-phase"] != "Steady" {
		return false
	}
	newCA := string(b[caSecret].Data["ca.crt"]) != string(n[caSecret].Data["ca.crt"])
	newLeaf := string(b[tlsSecret].Data["tls.crt"]) != string(n[tlsSecret].Data["tls.crt"])
	return newLeaf && newCA == ca && n[caSecret].Data["ca-old.crt"] == nil
}

func named(all []*corev1.Secret) map[string]*corev1.Secret {
	m := map[string]*corev1.Secret{}
	for _, s := range all {
		m[s.Name] = s
	}
	return m
}

func (r *run) secrets(ctx context.Context) ([]*corev1.Secret, error) {
	list, err := r.stage.Clients.Kube.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var all []*corev1.Secret
	for i := range list.Items {
		all = append(all, &list.Items[i])
	}
	return all, nil
}

// ask asks for a rotation as an operator does.
func (r *run) ask(ctx context.Context, ca bool) error {
	args := []string{"rotate", "webhook", setName, "-n", namespace, "--kubeconfig", r.stage.Cluster.Kubeconfig()}
	if ca {
		args = append(args, "--ca")
	}
	out, err := exec.CommandContext(ctx, r.stage.Binary, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("certwright %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// killAtRandom kills the daemon up to two times within the time a rotation
// takes, each time at once starting it again.
func (r *run) killAtRandom(stop <-chan struct{}) error {
	for range rand.IntN(3) {
		select {
		case <-stop:
			return nil
		case <-time.After(time.Duration(rand.Int64N(int64(4 * time.Second)))):
		}
		r.daemon.Kill()
		r.kills++
		if err := r.daemon.Start(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) close() {
	r.client.stop()
	r.server.close()
}
