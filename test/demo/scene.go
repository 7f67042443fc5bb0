package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/harness"
)

// The names are those of deploy/examples.
const (
	namespace    = "certwright-demo"
	server       = "shop"     // a Certificate for a web server
	serverSecret = "shop-tls" // where it lands
	serverName   = "shop.example.com"
	clientSecret = "courier-client" // of a Certificate for a client
)

// patience is for everything that takes a second on an idle machine.
const patience = time.Minute

// scene is the stage and what was played so far.
type scene struct {
	stage    *harness.Stage
	parts    *parts.Set // for ACME
	progress *harness.Progress
	number   int
}

func (s *scene) title(text string) {
	s.number++
	s.progress.Line("\n%d. %s", s.number, text)
}

func (s *scene) say(format string, args ...any) { s.progress.Line("   "+format, args...) }

// play shows everything, in the order a user would meet it.
func (s *scene) play(ctx context.Context) error {
	s.progress.Done()
	s.say("Kubernetes answers at %s", s.stage.Cluster.URL())
	for _, act := range []func(context.Context) error{
		s.startDaemon, s.applyExamples, s.status, s.handshake, s.renew, s.heal, s.acmeIssuer, s.acmeHTTP, s.acmeDNS,
	} {
		limited, cancel := context.WithTimeout(ctx, patience)
		err := act(limited)
		cancel()
		if err != nil {
			return failure{err, s.hint()}
		}
	}
	return nil
}

// close ends everything.
func (s *scene) close() error {
	var err error
	if s.parts != nil {
		err = s.parts.Close()
	}
	return errors.Join(err, s.stage.Close())
}

// hint is what helps when a scene fails.
func (s *scene) hint() string {
	return s.stage.Logs() + "\nThe reason is in the object shown above or in these last lines of the daemon's log.\n" +
		"With `make demo KEEP=1` a failed demo is kept running, to look at."
}

func (s *scene) startDaemon(ctx context.Context) error {
	s.title("Starting the daemon, with the rights of deploy/rbac")
	start := time.Now()
	daemon, err := s.stage.NewDaemon(harness.DaemonOptions{Name: "certwright", Args: s.parts.Args(), Env: s.parts.Env()})
	if err != nil {
		return err
	}
	if err := errors.Join(daemon.Start(), daemon.WaitReady(ctx)); err != nil {
		return err
	}
	s.say("ready after %s, process %d", harness.Elapsed(time.Since(start)), daemon.PID())
	return nil
}

func (s *scene) applyExamples(ctx context.Context) error {
	s.title("Applying deploy/examples")
	dir, err := harness.Folder("deploy", "examples")
	if err != nil {
		return err
	}
	start := time.Now()
	objects, err := s.stage.Clients.ApplyDir(ctx, dir)
	if err != nil {
		return err
	}
	certificates := 0
	for _, object := range objects {
		s.say("%s %s", object.GetKind(), object.GetName())
		if object.GetKind() == cmapi.CertificateKind {
			certificates++
		}
	}
	all, err := s.stage.Clients.Certificates().UntilAll(ctx, namespace, harness.AllReady(certificates))
	if err != nil {
		return err
	}
	s.say("all %d Certificates are Ready, %s after the first apply", len(all), harness.Elapsed(time.Since(start)))
	return nil
}

func (s *scene) status(ctx context.Context) error {
	s.title("certwright status")
	if err := s.certwright(ctx, "status"); err != nil {
		return err
	}
	s.title("certwright status certificate " + server)
	return s.certwright(ctx, "status", "certificate", server)
}

// certwright runs the command line tool as its user would and shows its output.
func (s *scene) certwright(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.stage.Binary, append(args, "--namespace", namespace)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.stage.Cluster.Kubeconfig())
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(strings.TrimRight(string(out), "\n") + "\n") {
		s.say("%s", strings.TrimRight(line, "\n"))
	}
	if err != nil {
		return fmt.Errorf("certwright %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

func (s *scene) handshake(ctx context.Context) error {
	s.title("A TLS handshake with the files of the Secrets")
	serving, err := s.secret(ctx, serverSecret)
	if err != nil {
		return err
	}
	calling, err := s.secret(ctx, clientSecret)
	if err != nil {
		return err
	}
	seen, err := shakeHands(ctx, serving, calling)
	if err != nil {
		return fmt.Errorf("the handshake: %w", err)
	}
	s.say("the client trusts ca.crt and met %s", seen.server)
	s.say("the server trusts ca.crt and met %s", seen.client)
	s.say("over %s", seen.protocol)
	return nil
}

func (s *scene) secret(ctx context.Context, name string) (*corev1.Secret, error) {
	return s.stage.Clients.Kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
}

func (s *scene) renew(ctx context.Context) error {
	s.title("Renewing " + server + " long before its time")
	before, err := s.secret(ctx, serverSecret)
	if err != nil {
		return err
	}
	crt, err := s.stage.Clients.CertManager.CertmanagerV1().Certificates(namespace).Get(ctx, server, metav1.GetOptions{})
	if err != nil {
		return err
	}
	start := time.Now()
	if err := s.certwright(ctx, "renew", server); err != nil {
		return err
	}
	next := harness.ReadyAt(harness.Revision(crt) + 1)
	if _, err := s.stage.Clients.Certificates().Until(ctx, namespace, server, next); err != nil {
		return err
	}
	s.say("renewed %s after the command began", harness.Elapsed(time.Since(start)))
	after, err := s.secret(ctx, serverSecret)
	if err != nil {
		return err
	}
	s.say("old serial %s", serial(before))
	s.say("new serial %s", serial(after))
	return nil
}

func (s *scene) heal(ctx context.Context) error {
	s.title("Spoiling the key in Secret " + serverSecret)
	secret, err := s.secret(ctx, serverSecret)
	if err != nil {
		return err
	}
	secret.Data[corev1.TLSPrivateKeyKey] = []byte("this was a key")
	start := time.Now()
	if _, err := s.stage.Clients.Kube.CoreV1().Secrets(namespace).Update(ctx, secret, metav1.UpdateOptions{}); err != nil {
		return err
	}
	healed, err := s.stage.Clients.Secrets().Until(ctx, namespace, serverSecret, func(now *corev1.Secret) bool {
		_, err := pair(now)
		return err == nil
	})
	if err != nil {
		return err
	}
	s.say("a new key and certificate were there %s later, serial %s", harness.Elapsed(time.Since(start)), serial(healed))
	return nil
}
