package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/netns"
	"github.com/certwright/certwright/test/harness"
	"github.com/certwright/certwright/test/remote/line"
)

const namespace = "far"

// quality is that of a poor line over half the world.
var quality = line.Quality{Delay: 200 * time.Millisecond, Loss: 0.05, Rate: 500_000}

// scene is all that runs.
type scene struct {
	progress *harness.Progress
	stage    *harness.Stage
	line     *line.Line
	daemon   *harness.Daemon
	pid      int

	certificates  int
	interruptions int
	catchUp       time.Duration // the longest
}

func prove(ctx context.Context, progress *harness.Progress) (err error) {
	s := &scene{progress: progress}
	defer func() {
		if err != nil && s.stage != nil {
			err = fmt.Errorf("%w\n%s", err, s.stage.Logs())
		}
		err = errors.Join(err, s.close())
	}()
	if err := s.build(ctx); err != nil {
		return err
	}
	return s.play(ctx)
}

func (s *scene) build(ctx context.Context) (err error) {
	files, err := os.MkdirTemp("", "certwright-remote-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(files) // what is mounted from here stays mounted
	if err := netns.Furnish(ctx, files); err != nil {
		return err
	}
	if s.stage, err = harness.Open(ctx, harness.StageOptions{Log: s.progress, AuditLog: true, Address: netns.Address}); err != nil {
		return err
	}
	if s.line, err = line.Lay(ctx, quality, netns.Address); err != nil {
		return err
	}
	if err := s.authority(ctx); err != nil {
		return err
	}
	s.progress.Done()
	// With its defaults, but for the addresses.
	s.daemon, err = s.stage.NewDaemon(harness.DaemonOptions{Name: "remote", Wrapper: s.line.Beyond()})
	if err != nil {
		return err
	}
	return s.daemon.Start()
}

// authority makes the CA that signs everything.
func (s *scene) authority(ctx context.Context) error {
	if err := s.stage.Clients.EnsureNamespace(ctx, namespace); err != nil {
		return err
	}
	root, err := harness.NewRoot("remote")
	if err != nil {
		return err
	}
	secret, err := root.Secret(namespace, "ca")
	if err != nil {
		return err
	}
	if _, err := s.stage.Clients.Kube.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "ca"}}
	issuer.Spec.CA = &cmapi.CAIssuer{SecretName: "ca"}
	_, err = s.stage.Clients.CertManager.CertmanagerV1().Issuers(namespace).Create(ctx, issuer, metav1.CreateOptions{})
	return err
}

func (s *scene) close() error {
	var all error
	if s.stage != nil {
		all = s.stage.Close()
	}
	if s.line != nil {
		all = errors.Join(all, s.line.Close())
	}
	return all
}

// order makes n more Certificates.
func (s *scene) order(ctx context.Context, n int) error {
	for range n {
		s.certificates++
		name := fmt.Sprintf("web-%03d", s.certificates)
		crt := &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		crt.Spec = cmapi.CertificateSpec{
			SecretName: name, DNSNames: []string{name + ".example.com"}, IssuerRef: cmmeta.IssuerReference{Name: "ca"},
			PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm},
		}
		if _, err := s.stage.Clients.CertManager.CertmanagerV1().Certificates(namespace).Create(ctx, crt, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// issued waits until at least n of the Certificates are ready.
func (s *scene) issued(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	_, err := s.stage.Clients.Certificates().UntilAll(ctx, namespace, func(all []*cmapi.Certificate) bool {
		ready := 0
		for _, crt := range all {
			if harness.Ready(crt) {
				ready++
			}
		}
		return ready >= n
	})
	if err != nil {
		return fmt.Errorf("%d of %d Certificates were not issued: %w", n, s.certificates, err)
	}
	return s.alive()
}

// alive fails when the daemon is not the process that was started.
func (s *scene) alive() error {
	if !s.daemon.Running() || s.pid != 0 && s.pid != s.daemon.PID() {
		return errors.New("the daemon has ended")
	}
	s.pid = s.daemon.PID()
	return nil
}

// said counts how often the daemon said a text.
func (s *scene) said(text string) int { return strings.Count(s.daemon.Log(), text) }
