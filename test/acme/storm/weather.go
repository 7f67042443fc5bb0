package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/nameserver"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/acme/places"
	"github.com/certwright/certwright/test/harness"
)

// issuerName is the ClusterIssuer of all, and what its Secrets begin with.
const issuerName = "storm"

// storm is one storm at work.
type storm struct {
	options
	hopelessHere int
	stage        *harness.Stage
	parts        *parts.Set
	progress     *harness.Progress
}

// lostPrefix starts the names of which HTTP-01 leads to another machine.
const lostPrefix = "hopeless-"

// weather makes one storm, from an empty control plane to its end.
func weather(ctx context.Context, progress *harness.Progress, o options, hopeless int) (so outcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute) // a cold build of the control plane is most of it
	defer cancel()
	stage, err := harness.Open(ctx, harness.StageOptions{Log: progress, Binary: o.binary})
	if err != nil {
		return so, err
	}
	s := &storm{options: o, hopelessHere: hopeless, stage: stage, progress: progress}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, stage.Logs())
		}
		if s.parts != nil {
			err = errors.Join(err, s.parts.Close())
		}
		err = errors.Join(err, stage.Close())
		progress.Done()
	}()
	if err := s.furnish(ctx); err != nil {
		return so, err
	}
	return s.measure(ctx)
}

func (s *storm) furnish(ctx context.Context) (err error) {
	// Else the garbage collector begins its work in the middle of a long side.
	s.progress.Line("   waiting for the garbage collector to see the CRDs")
	for _, kind := range [...][2]string{
		{"cert-manager.io", "certificates"}, {"cert-manager.io", "certificaterequests"},
		{"acme.cert-manager.io", "orders"}, {"acme.cert-manager.io", "challenges"},
	} {
		if err := s.stage.Clients.UntilCollected(ctx, kind[0], kind[1]); err != nil {
			return err
		}
	}
	s.parts, err = parts.Start(ctx, s.stage, parts.Options{
		Log:    s.progress,
		Lost:   func(host string) bool { return strings.HasPrefix(host, lostPrefix) },
		Pebble: pebble.Options{NonceReject: 5, Dawdle: s.dawdle},
	})
	if err != nil {
		return err
	}
	daemon, err := s.stage.NewDaemon(harness.DaemonOptions{Name: "certwright", Args: s.args(), Env: s.parts.Env()})
	if err != nil {
		return err
	}
	if err := daemon.Start(); err != nil {
		return err
	}
	if err := daemon.WaitReady(ctx); err != nil {
		return err
	}
	for i := range namespaces {
		if err := s.stage.Clients.EnsureNamespace(ctx, namespace(i)); err != nil {
			return err
		}
	}
	return s.addIssuer(ctx)
}

// args leave the cap to the daemon's own default.
func (s *storm) args() []string {
	if s.max == cap60 {
		return s.parts.Args()
	}
	return append(s.parts.Args(), fmt.Sprintf("--max-concurrent-challenges=%d", s.max))
}

func (s *storm) addIssuer(ctx context.Context) error {
	clients := s.stage.Clients
	secret := parts.TSIG(parts.ClusterNamespace, s.parts.DNS.Key)
	if _, err := clients.Kube.CoreV1().Secrets(secret.Namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	issuer := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: issuerName}}
	issuer.Spec.IssuerConfig = s.parts.Issuer(s.parts.Gate, issuerName, parts.HTTP01(), s.parts.DNS01(nameserver.DNSZone))
	if _, err := clients.CertManager.CertmanagerV1().ClusterIssuers().Create(ctx, issuer, metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err := clients.ClusterIssuers().Until(ctx, "", issuerName, func(i *cmapi.ClusterIssuer) bool {
		ready, _, _ := harness.IssuerReady(i.Status)
		return ready
	})
	return err
}

// measure makes the Certificates and waits until the hopeful are issued. The
// time is from the first that is made to the last that is Ready.
func (s *storm) measure(ctx context.Context) (so outcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.perRound)
	defer cancel()
	watch, err := places.Begin(ctx, s.stage.Clients.CertManager)
	if err != nil {
		return so, err
	}
	crowd, err := follow(ctx, s.stage.Clients.CertManager)
	if err != nil {
		return so, err
	}
	before, err := s.stage.Clients.Calls(ctx)
	if err != nil {
		return so, err
	}
	began, all := time.Now(), s.all()
	made := make(chan error, 1)
	go func() { made <- s.create(ctx, all) }()
	hopeful := s.certificates - s.hopeless
	so.issued, err = crowd.await(ctx, made, hopeful, func(done int) { s.progress.Bar("issued", done, hopeful) })
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return so, err
	}
	so.took = time.Since(began)
	after, err := s.stage.Clients.Calls(ctx)
	if err != nil {
		return so, err
	}
	calls := after.Minus(before)
	so.writes = calls.Sum(harness.Call.Ours, harness.Call.Writes)
	_, so.hopelessIssued = crowd.ready()
	so.max, so.overlaps = watch.Max(), watch.Overlaps()
	return so, errors.Join(watch.End(), s.plausible(ctx, watch))
}

// plausible looks whether the watch saw as many proofs as there must have been.
func (s *storm) plausible(ctx context.Context, watch *places.Watch) error {
	if seen := watch.Seen(); seen < s.certificates-s.hopeless && ctx.Err() == nil {
		return fmt.Errorf("the watch saw %d Challenges, which proves nothing", seen)
	}
	return nil
}
