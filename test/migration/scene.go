package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/harness"
)

// namespace is where everything is made.
const namespace = "proof"

//go:embed manifests
var manifests embed.FS

// scene is all parts, running.
type scene struct {
	*harness.Clients
	progress  *harness.Progress
	stage     *harness.Stage
	parts     *parts.Set
	reference *harness.Process
	path      string // of the reference
	daemon    *harness.Daemon
}

func prove(ctx context.Context, progress *harness.Progress, reference string, keep bool) (err error) {
	s := &scene{progress: progress, path: reference}
	defer func() {
		if err != nil && s.stage != nil {
			err = fmt.Errorf("%w\n%s%s", err, s.stage.Logs(), s.said(25))
		}
		err = errors.Join(err, s.close())
	}()
	if err := s.build(ctx); err != nil {
		return err
	}
	return s.play(ctx, keep)
}

// build starts what both need: the control plane, the ACME server and its DNS.
func (s *scene) build(ctx context.Context) (err error) {
	if s.stage, err = harness.Open(ctx, harness.StageOptions{Log: s.progress, AuditLog: true}); err != nil {
		return err
	}
	s.Clients = s.stage.Clients
	if s.parts, err = parts.Start(ctx, s.stage, parts.Options{
		Log: s.progress, Pebble: pebble.Options{Blocked: []string{"blocked.dns.test"}, NonceReject: 5}}); err != nil {
		return err
	}
	if err := s.EnsureNamespace(ctx, namespace); err != nil {
		return err
	}
	return s.issuers(ctx)
}

// issuers makes what cannot stand in a file: its keys and ports are of this run.
func (s *scene) issuers(ctx context.Context) error {
	root, err := harness.NewRoot("CA of the cluster")
	if err != nil {
		return err
	}
	clusterCA, err := root.Secret(parts.ClusterNamespace, "cluster-ca")
	if err != nil {
		return err
	}
	for _, secret := range []*corev1.Secret{clusterCA, parts.TSIG(namespace, s.parts.DNS.Key)} {
		if _, err := s.Kube.CoreV1().Secrets(secret.Namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for name, solver := range map[string]cmacme.ACMEChallengeSolver{"acme-dns": s.parts.DNS01(), "acme-http": parts.HTTP01()} {
		issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Name: name}}
		issuer.Spec.IssuerConfig = s.parts.Issuer(s.parts.Gate, name+"-account", solver)
		if _, err := s.CertManager.CertmanagerV1().Issuers(namespace).Create(ctx, issuer, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// apply applies one of our manifests.
func (s *scene) apply(ctx context.Context, name string) error {
	text, err := manifests.ReadFile(path.Join("manifests", name))
	if err != nil {
		return err
	}
	objects, err := harness.ParseManifests(text)
	if err != nil {
		return err
	}
	for _, object := range objects {
		if err := s.Apply(ctx, object); err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// startReference starts cert-manager, for the first time or again.
func (s *scene) startReference() (err error) {
	if s.reference != nil {
		return s.reference.Start()
	}
	s.reference, err = harness.StartProcess(harness.ProcessOptions{
		Name: "cert-manager", Path: s.path, Dir: s.stage.Dir,
		Args: []string{"-kubeconfig", s.stage.Cluster.Kubeconfig(), "-dns01-recursive-nameservers", s.parts.DNS.Address},
		Env:  s.parts.Env(),
	})
	return err
}

// freeLease lets go of the Lease for a process that was killed, lest the next
// one waits a minute for it.
func (s *scene) freeLease(ctx context.Context) error {
	leases := s.Kube.CoordinationV1().Leases("kube-system")
	lease, err := leases.Get(ctx, "cert-manager-controller", metav1.GetOptions{})
	if err != nil {
		return err
	}
	lease.Spec.HolderIdentity, lease.Spec.RenewTime = nil, nil
	_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}

func (s *scene) startDaemon(ctx context.Context) (err error) {
	if s.daemon != nil {
		return s.daemon.Start()
	}
	s.daemon, err = s.stage.NewDaemon(harness.DaemonOptions{Name: "certwright", Args: append(s.parts.Args(), "-v=2"), Env: s.parts.Env()})
	if err != nil {
		return err
	}
	if err := s.daemon.Start(); err != nil {
		return err
	}
	return s.daemon.WaitReady(ctx)
}

// close ends everything, the last first.
func (s *scene) close() (err error) {
	s.reference.Stop()
	if s.daemon != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		err = s.daemon.Stop(ctx)
	}
	if s.parts != nil {
		err = errors.Join(err, s.parts.Close())
	}
	if s.stage != nil {
		err = errors.Join(err, s.stage.Close())
	}
	return err
}

// said is the end of what the reference said.
func (s *scene) said(n int) string {
	if s.reference == nil {
		return ""
	}
	lines := strings.Split(strings.TrimRight(s.reference.Log(), "\n"), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, "re-queuing item due to optimistic locking") })
	return "the end of cert-manager's log:\n    " + strings.Join(lines[max(0, len(lines)-n):], "\n    ") + "\n"
}
