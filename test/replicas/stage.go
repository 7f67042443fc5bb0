package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/certwright/certwright/test/harness"
)

// scene is a fresh control plane and the replicas on it.
type scene struct {
	options
	stage    *harness.Stage
	progress *harness.Progress
	crowd    *crowd
	all      []*replica // that there ever were
}

// replica is one process, with a token of its own.
type replica struct {
	*harness.Daemon
	name       string
	credential string // as the audit log calls its token
	lease      time.Duration
	killed     time.Time
}

const (
	issuerName = "ca"
	namespaces = 10
)

func namespace(i int) string { return fmt.Sprintf("shop-%02d", i%namespaces) }

// onStage opens a control plane, has f use it and closes it.
func onStage(ctx context.Context, progress *harness.Progress, o options, f func(*scene) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 25*time.Minute) // a cold build of the control plane is most of it
	defer cancel()
	stage, err := harness.Open(ctx, harness.StageOptions{Log: progress, Binary: o.binary, AuditLog: true})
	if err != nil {
		return err
	}
	s := &scene{options: o, stage: stage, progress: progress}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, stage.Logs())
		}
		err = errors.Join(err, stage.Close())
		progress.Done()
	}()
	// Else the garbage collector begins its work in the middle.
	if err := stage.Clients.UntilCollected(ctx, "cert-manager.io", "certificaterequests"); err != nil {
		return err
	}
	if s.crowd, err = follow(ctx, stage.Clients); err != nil {
		return err
	}
	return f(s)
}

// issuers makes a CA issuer in each namespace. They become ready when there is a
// replica.
func (s *scene) issuers(ctx context.Context) error {
	ca, err := harness.NewRoot("replicas")
	if err != nil {
		return err
	}
	for i := range namespaces {
		ns := namespace(i)
		if err := s.stage.Clients.EnsureNamespace(ctx, ns); err != nil {
			return err
		}
		secret, err := ca.Secret(ns, "root")
		if err != nil {
			return err
		}
		if _, err := s.stage.Clients.Kube.CoreV1().Secrets(ns).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
			return err
		}
		issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: issuerName}}
		issuer.Spec.CA = &cmapi.CAIssuer{SecretName: secret.Name}
		if _, err := s.stage.Clients.CertManager.CertmanagerV1().Issuers(ns).Create(ctx, issuer, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) untilIssuersReady(ctx context.Context) error {
	for i := range namespaces {
		_, err := s.stage.Clients.Issuers().Until(ctx, namespace(i), issuerName, func(i *cmapi.Issuer) bool {
			ready, _, _ := harness.IssuerReady(i.Status)
			return ready
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// start starts a replica, with a token of its own.
func (s *scene) start(ctx context.Context, args, env []string) (*replica, error) {
	r := &replica{name: fmt.Sprintf("replica-%d", len(s.all)+1), lease: time.Minute} // the default's
	if slices.Contains(args, short()[0]) {
		r.lease = leaseDuration
	}
	kubeconfig := filepath.Join(s.stage.Dir, r.name+".kubeconfig")
	if err := s.stage.Clients.WriteKubeconfig(ctx, s.stage.Account, kubeconfig); err != nil {
		return nil, err
	}
	var err error
	if r.credential, err = credentialIn(kubeconfig); err != nil {
		return nil, err
	}
	if r.Daemon, err = s.stage.NewDaemon(harness.DaemonOptions{Name: r.name, Kubeconfig: kubeconfig, Args: args, Env: env}); err != nil {
		return nil, err
	}
	s.all = append(s.all, r)
	if err := r.Start(); err != nil {
		return nil, err
	}
	return r, r.WaitReady(ctx)
}

// short makes a replica's Leases so short that a takeover can be waited for.
func short() []string {
	return []string{
		fmt.Sprintf("--leader-election-lease-duration=%s", leaseDuration),
		fmt.Sprintf("--leader-election-renew-deadline=%s", renewDeadline),
		fmt.Sprintf("--leader-election-retry-period=%s", retryPeriod),
	}
}

// identity is what the replica calls itself in Leases, as it says in its log.
func (r *replica) identity() (string, error) {
	_, said, found := strings.Cut(r.Log(), `identity="`)
	identity, _, ended := strings.Cut(said, `"`)
	if !found || !ended {
		return "", fmt.Errorf("%s does not say what it calls itself", r.name)
	}
	return identity, nil
}

// credentialIn is the name that the audit log has for the token in a kubeconfig.
func credentialIn(kubeconfig string) (string, error) {
	config, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		return "", err
	}
	for _, who := range config.AuthInfos {
		parts := strings.Split(who.Token, ".")
		if len(parts) != 3 {
			continue
		}
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			return "", err
		}
		var known struct{ JTI string }
		if err := json.Unmarshal(claims, &known); err != nil || known.JTI == "" {
			return "", fmt.Errorf("the token in %s has no name of its own: %w", kubeconfig, err)
		}
		return "JTI=" + known.JTI, nil
	}
	return "", fmt.Errorf("%s has no token", kubeconfig)
}

// measureOne has one replica issue all, and tells how long it took.
func measureOne(ctx context.Context, progress *harness.Progress, o options) (took time.Duration, err error) {
	progress.Line("one replica, %d Certificates", o.certificates)
	err = onStage(ctx, progress, o, func(s *scene) error {
		if err := s.issuers(ctx); err != nil {
			return err
		}
		if _, err := s.start(ctx, nil, nil); err != nil {
			return err
		}
		if err := s.untilIssuersReady(ctx); err != nil {
			return err
		}
		_, took, err = s.issue(ctx, "web", s.certificates)
		return err
	})
	return took, err
}
