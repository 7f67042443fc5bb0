package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/nameserver"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/acme/places"
	"github.com/certwright/certwright/test/harness"
)

// measureThree has three replicas issue all, and tells how long it took; all is
// false where that alone is wanted.
func measureThree(ctx context.Context, progress *harness.Progress, o options, all bool) (took time.Duration, so outcome, err error) {
	progress.Line("three replicas with %d shards, %d Certificates", shardCount, o.certificates)
	err = onStage(ctx, progress, o, func(s *scene) error {
		leases, err := followLeases(ctx, s.stage.Clients.Kube)
		if err != nil {
			return err
		}
		if err := s.issuers(ctx); err != nil {
			return err
		}
		if _, err := s.startAll(ctx, leases, nil); err != nil {
			return err
		}
		if err := s.untilIssuersReady(ctx); err != nil {
			return err
		}
		if so.issued, took, err = s.issue(ctx, "web", s.certificates); err != nil || !all {
			return err
		}
		progress.Line("   issued in %.1f s", took.Seconds())
		return s.killings(ctx, leases, &so)
	})
	return took, so, err
}

// killings is what one round needs only once.
func (s *scene) killings(ctx context.Context, leases *leaseWatch, so *outcome) error {
	if err := s.stopAll(ctx); err != nil {
		return err
	}
	three, err := s.startAll(ctx, leases, short())
	if err != nil {
		return err
	}
	if err := s.killOne(ctx, leases, three); err != nil {
		return fmt.Errorf("with one killed: %w", err)
	}
	if err := s.stopAll(ctx); err != nil {
		return err
	}
	if err := s.byACME(ctx, leases, so); err != nil {
		return fmt.Errorf("with an ACME server: %w", err)
	}
	if err := s.stopAll(ctx); err != nil {
		return err
	}
	return s.judge(ctx, leases, so)
}

// startAll starts the replicas, and waits until each has its share.
func (s *scene) startAll(ctx context.Context, leases *leaseWatch, args []string) (three []*replica, err error) {
	args = append([]string{fmt.Sprintf("--shards=%d", shardCount)}, args...)
	for range replicas {
		r, err := s.start(ctx, args, nil)
		if err != nil {
			return nil, err
		}
		three = append(three, r)
	}
	shared, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := leases.until(shared, func() bool { return leases.even(shardCount / replicas) }); err != nil {
		return nil, fmt.Errorf("the shards are not shared evenly: %v: %w", leases.shares(), err)
	}
	return three, nil
}

// stopAll stops all replicas in good order.
func (s *scene) stopAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, r := range s.all {
		if err := r.Stop(ctx); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

// pace lies between two Certificates that are made while a replica is killed:
// some hundred a minute for each shard.
const pace = 15 * time.Millisecond

// killOne kills one that does not lead while Certificates are made.
func (s *scene) killOne(ctx context.Context, leases *leaseWatch, three []*replica) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	victim, err := s.holderOf(leases, three, 1, false)
	if err != nil {
		return err
	}
	bodies, err := bodiesOf("more", s.more)
	if err != nil {
		return err
	}
	made := make(chan error, 1)
	go func() { made <- s.create(ctx, bodies, pace) }()
	if _, err := s.crowd.await(ctx, "more-", s.more/4, func(n int) { s.progress.Bar("issued", n, s.more) }); err != nil {
		return err
	}
	s.kill(victim)
	if _, err := s.crowd.await(ctx, "more-", s.more, func(n int) { s.progress.Bar("issued", n, s.more) }); err != nil {
		return err
	}
	return <-made
}

func (s *scene) kill(r *replica) {
	r.killed = time.Now()
	r.Kill()
	s.progress.Line("   %s is killed", r.name)
}

// holderOf is the replica that holds a shard from the given one on: the one that
// leads, or one that does not.
func (s *scene) holderOf(leases *leaseWatch, three []*replica, from int, leads bool) (*replica, error) {
	leader := leases.holder(0)
	for shard := from; shard < shardCount; shard++ {
		holder := leases.holder(shard)
		if (holder == leader) != leads {
			continue
		}
		for _, r := range three {
			if identity, err := r.identity(); err != nil {
				return nil, err
			} else if identity == holder {
				return r, nil
			}
		}
	}
	return nil, errors.New("nobody holds what is to be killed")
}

// byACME issues Certificates by an ACME server, and kills the replica that leads.
// Names are proved in the DNS, whose answers outlast it; a proof by HTTP that the
// server asks for in the moment of a kill can be answered by nobody.
func (s *scene) byACME(ctx context.Context, leases *leaseWatch, so *outcome) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	s.progress.Line("   %d Certificates by an ACME server", s.acme)
	set, err := parts.Start(ctx, s.stage, parts.Options{Log: s.progress, Pebble: pebble.Options{NonceReject: 5, Dawdle: 2 * time.Second}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	three, err := s.startAll(ctx, leases, append(short(), "--dns01-recursive-nameservers="+set.DNS.Address, "--dns01-recursive-nameservers-only"))
	if err != nil {
		return err
	}
	if err := s.acmeIssuer(ctx, set); err != nil {
		return err
	}
	watch, err := places.Begin(ctx, s.stage.Clients.CertManager)
	if err != nil {
		return err
	}
	for i := range s.acme {
		if err := s.createACME(ctx, i); err != nil {
			return err
		}
	}
	show := func(n int) { s.progress.Bar("issued", n, s.acme) }
	if _, err := s.crowd.await(ctx, "acme-", s.acme/4, show); err != nil {
		return err
	}
	leader, err := s.holderOf(leases, three, 0, true)
	if err != nil {
		return err
	}
	s.kill(leader)
	if _, err := s.crowd.await(ctx, "acme-", s.acme, show); err != nil {
		return err
	}
	so.most, so.overlaps = watch.Max(), watch.Overlaps()
	if seen := watch.Seen(); seen < s.acme*9/10 { // some of the same name may share a proof
		return fmt.Errorf("the watch saw %d Challenges, which proves nothing", seen)
	}
	return watch.End()
}

const acmeName = "acme"

func (s *scene) acmeIssuer(ctx context.Context, set *parts.Set) error {
	clients := s.stage.Clients
	secret := parts.TSIG(parts.ClusterNamespace, set.DNS.Key)
	if _, err := clients.Kube.CoreV1().Secrets(secret.Namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	issuer := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: acmeName}}
	issuer.Spec.IssuerConfig = set.Issuer(set.Gate, acmeName+"-account", set.DNS01())
	if _, err := clients.CertManager.CertmanagerV1().ClusterIssuers().Create(ctx, issuer, metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err := clients.ClusterIssuers().Until(ctx, "", acmeName, func(i *cmapi.ClusterIssuer) bool {
		ready, _, _ := harness.IssuerReady(i.Status)
		return ready
	})
	return err
}

// createACME makes one; of each ten, two are for the same name, which must not be
// proved twice at once.
func (s *scene) createACME(ctx context.Context, i int) error {
	ref := cmmeta.IssuerReference{Name: acmeName, Kind: cmapi.ClusterIssuerKind, Group: "cert-manager.io"}
	crt := certificate(namespace(i), fmt.Sprintf("acme-%04d", i), ref)
	host := i
	if i%10 == 2 {
		host = i - 1
	}
	crt.Spec.DNSNames = []string{fmt.Sprintf("name-%04d.%s", host, nameserver.DNSZone)}
	_, err := s.stage.Clients.CertManager.CertmanagerV1().Certificates(crt.Namespace).Create(ctx, crt, metav1.CreateOptions{})
	return err
}
