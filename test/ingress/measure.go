package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// steepest is how much more an Ingress may cost beside all the others than
// beside a tenth of them: nothing but noise.
const steepest = 2.0

// measure has n Ingresses changed in one namespace and measures the daemon's
// CPU for each change, beside a tenth of them and beside all.
func measure(ctx context.Context, progress *harness.Progress, n int) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	s := &scene{progress: progress}
	if s.stage, err = harness.Open(ctx, harness.StageOptions{Log: progress}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	// Nobody issues: what is measured is the way from Ingress to Certificate.
	d, err := s.stage.Daemon(ctx, "certwright", "--controllers=ingress-shim")
	if err != nil {
		return err
	}
	if err := s.stage.Clients.EnsureNamespace(ctx, namespace); err != nil {
		return err
	}
	few := max(n/10, 1)
	if err := s.create(ctx, 0, few); err != nil {
		return err
	}
	beside, err := s.cheapest(ctx, d.PID(), few, 48)
	if err != nil {
		return err
	}
	if err := s.create(ctx, few, n); err != nil {
		return err
	}
	all, err := s.cheapest(ctx, d.PID(), few, 72)
	if err != nil {
		return err
	}
	progress.Line("ingresses %d cpu-per-change %s beside %d, %s beside %d", n, beside, few, all, n)
	if float64(all) > steepest*float64(beside) {
		return fmt.Errorf("an Ingress costs %.1f times as much beside %d as beside %d", float64(all)/float64(beside), n, few)
	}
	return nil
}

func (s *scene) create(ctx context.Context, from, to int) error {
	for i := from; i < to; i++ {
		name := fmt.Sprintf("ingress-%d", i)
		ing := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"cert-manager.io/issuer": "ca"}}}
		ing.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{name + ".test"}, SecretName: name}}
		ing.Spec.DefaultBackend = &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}}
		if _, err := s.stage.Clients.Kube.NetworkingV1().Ingresses(namespace).Create(ctx, ing, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return s.settled(ctx, to, "")
}

// rounds are measured, and the cheapest counts: a busy machine makes work dearer,
// and never cheaper.
const rounds = 5

func (s *scene) cheapest(ctx context.Context, pid, few, hours int) (least time.Duration, err error) {
	for i := range rounds {
		took, err := s.change(ctx, pid, few, fmt.Sprintf("%dh", hours+i))
		if err != nil {
			return 0, err
		}
		if i == 0 || took < least {
			least = took
		}
	}
	return least, nil
}

// change changes an annotation of the first few and returns the CPU for each.
func (s *scene) change(ctx context.Context, pid, few int, duration string) (time.Duration, error) {
	before, err := harness.CPU(pid)
	if err != nil {
		return 0, err
	}
	ingresses := s.stage.Clients.Kube.NetworkingV1().Ingresses(namespace)
	for i := range few {
		ing, err := ingresses.Get(ctx, fmt.Sprintf("ingress-%d", i), metav1.GetOptions{})
		if err != nil {
			return 0, err
		}
		ing.Annotations["cert-manager.io/duration"] = duration
		if _, err := ingresses.Update(ctx, ing, metav1.UpdateOptions{}); err != nil {
			return 0, err
		}
	}
	if err := s.settled(ctx, few, duration); err != nil {
		return 0, err
	}
	after, err := harness.CPU(pid)
	return (after - before) / time.Duration(few), err
}

// settled waits until n Certificates exist, with this duration.
func (s *scene) settled(ctx context.Context, n int, duration string) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := s.stage.Clients.CertManager.CertmanagerV1().Certificates(namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return err
		}
		right := 0
		for _, crt := range list.Items {
			if duration == "" || crt.Spec.Duration != nil && crt.Spec.Duration.Hours() == hours(duration) {
				right++
			}
		}
		if right >= n {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d Certificates: %w", right, n, ctx.Err())
		}
	}
}

func hours(text string) float64 {
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return d.Hours()
}
