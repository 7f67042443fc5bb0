//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/acme/nameserver"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/traefik"
	"github.com/certwright/certwright/test/harness"
)

// Issuers of a shop. The CA is made here, so that what it signs is judged from
// outside.
const (
	caIssuer   = "ca"
	acmeIssuer = "acme"
)

// shop is a namespace in which a form issues.
type shop struct {
	*world
	form  form
	ca    *harness.Authority
	tally tally
	made  []string // names of Certificates
}

// Counts of Certificates: how many are there before anything changes, and at
// least how many are asked for meanwhile.
const (
	before    = 10
	meanwhile = 50
	aftermath = 10
	byHTTP01  = 2
)

// open makes the issuers and the first Certificates.
func (s *shop) open(ctx context.Context) error {
	if err := s.restricted(ctx, s.form.shop); err != nil {
		return err
	}
	if err := s.makeIssuers(ctx); err != nil {
		return err
	}
	for range before {
		if err := s.ask(ctx, caIssuer); err != nil {
			return err
		}
	}
	if err := s.askHTTP01(ctx); err != nil {
		return err
	}
	return s.allReady(ctx)
}

func (s *shop) makeIssuers(ctx context.Context) (err error) {
	if s.ca, err = harness.NewRoot("the shop's own"); err != nil {
		return err
	}
	secret, err := s.ca.Secret(s.form.shop, "shop-ca")
	if err != nil {
		return err
	}
	if _, err := s.clients.Kube.CoreV1().Secrets(s.form.shop).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	if err := s.makeIssuer(ctx, caIssuer, cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "shop-ca"}}); err != nil || !s.form.http01 {
		return err
	}
	solver := parts.HTTP01()
	solver.HTTP01.Ingress.IngressClassName = ptr.To(traefik.IngressClass)
	return s.makeIssuer(ctx, acmeIssuer, cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{
		Server: s.pebble.Directory(), CABundle: s.root.PEM(), Solvers: []cmacme.ACMEChallengeSolver{solver},
		PrivateKey: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "acme-account"}},
	}})
}

func (s *shop) makeIssuer(ctx context.Context, name string, config cmapi.IssuerConfig) error {
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: s.form.shop, Name: name}}
	issuer.Spec.IssuerConfig = config
	_, err := s.clients.CertManager.CertmanagerV1().Issuers(s.form.shop).Create(ctx, issuer, metav1.CreateOptions{})
	return err
}

// ask makes one more Certificate.
func (s *shop) ask(ctx context.Context, issuer string) error {
	name := fmt.Sprintf("%s-%d", issuer, len(s.made))
	crt := &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: s.form.shop, Name: name}}
	crt.Spec = cmapi.CertificateSpec{
		SecretName: name, DNSNames: []string{name + "." + s.form.name + "." + nameserver.HTTPZone}, IssuerRef: cmmeta.IssuerReference{Name: issuer},
		PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm},
	}
	if _, err := s.clients.CertManager.CertmanagerV1().Certificates(s.form.shop).Create(ctx, crt, metav1.CreateOptions{}); err != nil {
		return err
	}
	s.made = append(s.made, name)
	s.tally.certificates++
	return nil
}

func (s *shop) askHTTP01(ctx context.Context) error {
	if !s.form.http01 {
		return nil
	}
	for range byHTTP01 {
		if err := s.ask(ctx, acmeIssuer); err != nil {
			return err
		}
	}
	return nil
}

// issueTime is what certificates get, once their form is at rest.
const issueTime = 2 * time.Minute

// allReady waits for what was asked for so far.
func (s *shop) allReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, issueTime, fmt.Errorf("not ready after %s", issueTime))
	defer cancel()
	mine := map[string]bool{}
	for _, name := range s.made {
		mine[name] = true
	}
	var unready []string
	_, err := s.clients.Certificates().UntilAll(ctx, s.form.shop, func(all []*cmapi.Certificate) bool {
		unready = unready[:0]
		for _, crt := range all {
			if mine[crt.Name] && !harness.Ready(crt) {
				unready = append(unready, crt.Name)
			}
		}
		return len(all) >= len(mine) && len(unready) == 0
	})
	if err != nil {
		s.tally.failed += len(unready)
		return fmt.Errorf("%v: %w\n%s", unready, context.Cause(ctx), s.state(ctx, unready))
	}
	return nil
}

// during does something and asks for Certificates all the while, n of them at least:
// some at once, so that the end of a pod finds work under way, and more at a pace.
func (s *shop) during(ctx context.Context, n int, do func(context.Context) error) error {
	if err := s.askHTTP01(ctx); err != nil {
		return err
	}
	for range n / 2 {
		if err := s.ask(ctx, caIssuer); err != nil {
			return err
		}
	}
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ended, asked := false, n/2; !ended || asked < n; asked++ {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			ended = true
		case <-tick.C:
		}
		if err := s.ask(ctx, caIssuer); err != nil {
			return err
		}
	}
	return s.allReady(ctx)
}

// upgrade goes to the next version in place.
func (s *shop) upgrade(ctx context.Context) error {
	return s.during(ctx, meanwhile, func(ctx context.Context) error {
		return s.neverWithout(ctx, func() error { return s.rollOut(ctx, s.form, nextVersion) })
	})
}

// lose ends the pod that works, and waits for the one in its place.
func (s *shop) lose(ctx context.Context) error {
	pod, err := s.leader(ctx)
	if err != nil {
		return err
	}
	return s.during(ctx, aftermath, func(ctx context.Context) error {
		if err := s.drop(ctx, pod); err != nil {
			return err
		}
		if err := s.untilGone(ctx, pod); err != nil {
			return err
		}
		return s.rolledOut(ctx, s.form)
	})
}

func (s *shop) drop(ctx context.Context, pod *corev1.Pod) error {
	if s.form.evict {
		return s.clients.Kube.CoreV1().Pods(pod.Namespace).EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}})
	}
	return s.clients.Kube.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{})
}

func (s *shop) untilGone(ctx context.Context, pod *corev1.Pod) error {
	_, err := s.kubectl(ctx, "-n", pod.Namespace, "wait", "--for=delete", "pod/"+pod.Name, "--timeout="+patience.String())
	return err
}
