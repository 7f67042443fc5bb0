//go:build linux

package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/harness"
)

// leader is the pod that holds the Lease.
func (s *shop) leader(ctx context.Context) (*corev1.Pod, error) {
	namespace := "kube-system"
	if s.form.shop == s.form.namespace {
		namespace = s.form.namespace
	}
	lease, err := s.clients.Kube.CoordinationV1().Leases(namespace).Get(ctx, "cert-manager-controller", metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	pods, err := s.clients.Kube.CoreV1().Pods(s.form.namespace).List(ctx, metav1.ListOptions{LabelSelector: s.form.pods})
	if err != nil {
		return nil, err
	}
	for i := range pods.Items {
		if strings.HasPrefix(ptr.Deref(lease.Spec.HolderIdentity, ""), pods.Items[i].Name) {
			return &pods.Items[i], nil
		}
	}
	return nil, fmt.Errorf("the Lease is held by %q, which is no pod of the form", ptr.Deref(lease.Spec.HolderIdentity, ""))
}

// neverWithout does something during which a pod of the form is ready all the time.
func (s *shop) neverWithout(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	without := 0
	for {
		select {
		case err := <-done:
			if err == nil && without > 0 {
				err = fmt.Errorf("no pod was ready at %d of the looks, 10 a second", without)
			}
			return err
		case <-tick.C:
		}
		if n, err := s.readyPods(ctx); err == nil && n == 0 {
			without++
		}
	}
}

func (s *shop) readyPods(ctx context.Context) (n int, err error) {
	pods, err := s.clients.Kube.CoreV1().Pods(s.form.namespace).List(ctx, metav1.ListOptions{LabelSelector: s.form.pods})
	if err != nil {
		return 0, err
	}
	for _, pod := range pods.Items {
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				n++
			}
		}
	}
	return n, nil
}

// inspect looks at each certificate as a client does, and that each was issued
// once, by one request.
func (s *shop) inspect(ctx context.Context) error {
	acmeRoot, err := s.pebble.Root(ctx, 0)
	if err != nil {
		return err
	}
	requests, err := s.clients.CertManager.CertmanagerV1().CertificateRequests(s.form.shop).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, r := range requests.Items {
		count[r.Annotations[cmapi.CertificateNameKey]]++
	}
	var faults []error
	for _, name := range s.made {
		root := s.ca.Root()
		if strings.HasPrefix(name, acmeIssuer) {
			root = acmeRoot
		}
		if err := s.inspectOne(ctx, name, root, count[name]); err != nil {
			s.tally.failed++
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

func (s *shop) inspectOne(ctx context.Context, name string, root *x509.Certificate, requests int) error {
	crt, err := s.clients.CertManager.CertmanagerV1().Certificates(s.form.shop).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if !harness.Ready(crt) || harness.Revision(crt) != 1 || requests != 1 || crt.Status.FailedIssuanceAttempts != nil {
		return fmt.Errorf("ready %t, revision %d, requests %d, failed attempts %d; wanted it ready at revision 1 by one request",
			harness.Ready(crt), harness.Revision(crt), requests, ptr.Deref(crt.Status.FailedIssuanceAttempts, 0))
	}
	secret, err := s.clients.Kube.CoreV1().Secrets(s.form.shop).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	return verify(secret, crt.Spec.DNSNames[0], root)
}

func verify(secret *corev1.Secret, name string, root *x509.Certificate) error {
	block, rest := pem.Decode(secret.Data[corev1.TLSCertKey])
	if block == nil {
		return errors.New("tls.crt holds no certificate")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	between.AppendCertsFromPEM(rest)
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: name})
	return err
}

// state shows some Certificates with what belongs to them, for an error.
func (s *shop) state(ctx context.Context, names []string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var out strings.Builder
	for _, resource := range []string{"certificates", "certificaterequests", "orders", "challenges", "ingresses", "services", "endpointslices", "events"} {
		text, err := s.kubectl(ctx, "-n", s.form.shop, "get", resource, "-o", "wide")
		if err != nil {
			text = err.Error()
		}
		fmt.Fprintf(&out, "%s:\n", resource)
		for line := range strings.Lines(text) {
			if slices.ContainsFunc(names, func(name string) bool { return strings.Contains(line, name) }) || strings.HasPrefix(line, "NAME") {
				out.WriteString("    " + line)
			}
		}
	}
	return out.String()
}
