//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/certwright/certwright/test/harness"
)

// operator is the namespace of the sidecar, which knows no other.
const operator = "operator"

// webhookServer is what the user of deploy/sidecar-issuing puts into his overlay: his
// namespace and his server.
const webhookServer = `namespace: operator
patches:
- target: {kind: Deployment, name: webhook}
  patch: |-
    - {op: replace, path: /spec/template/spec/containers/0/image, value: "` + insideImage + `"}
    - {op: add, path: /spec/template/spec/containers/0/args, value: [serve, ":9443", /certs]}
`

// serves proves what a sidecar is for: the server beside it serves TLS by the files,
// and by the next ones after a renewal, without a restart.
func (w *world) serves(ctx context.Context, f form) error {
	pod, err := w.onlyPod(ctx, f)
	if err != nil {
		return err
	}
	first, err := w.served(ctx, pod)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := w.renew(ctx, "webhook-tls"); err != nil {
		return err
	}
	if err := w.untilServed(ctx, pod, first); err != nil {
		return err
	}
	w.progress.Line("   %-50s %s", "renewed, and the new certificate served", harness.Elapsed(time.Since(began)))
	after, err := w.onlyPod(ctx, f)
	if err != nil {
		return err
	}
	for _, status := range append(after.Status.InitContainerStatuses, after.Status.ContainerStatuses...) {
		if after.Name != pod.Name || status.RestartCount > 0 {
			return fmt.Errorf("%s of %s was started anew", status.Name, after.Name)
		}
	}
	return nil
}

func (w *world) onlyPod(ctx context.Context, f form) (*corev1.Pod, error) {
	pods, err := w.clients.Kube.CoreV1().Pods(f.namespace).List(ctx, metav1.ListOptions{LabelSelector: f.pods})
	if err != nil {
		return nil, err
	}
	if len(pods.Items) != 1 {
		return nil, fmt.Errorf("there are %d pods, not one", len(pods.Items))
	}
	return &pods.Items[0], nil
}

// served makes a handshake with the server, which must prove the name of its Service.
func (w *world) served(ctx context.Context, pod *corev1.Pod) (*x509.Certificate, error) {
	secret, err := w.clients.Kube.CoreV1().Secrets(operator).Get(ctx, "webhook-tls", metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(secret.Data[cmmeta.TLSCAKey]) {
		return nil, errors.New("the Secret webhook-tls holds no ca.crt")
	}
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: "webhook", MinVersion: tls.VersionTLS12}}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(pod.Status.PodIP, "9443"))
	if err != nil {
		return nil, fmt.Errorf("the server beside the sidecar: %w", err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}

// untilServed waits for another certificate than the first. A second handshake that
// fails is a fault: there is no moment without files.
func (w *world) untilServed(ctx context.Context, pod *corev1.Pod, first *x509.Certificate) error {
	const most = 30 * time.Second // a Secret volume would take up to two minutes
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("the old certificate is still served %s after the renewal", most))
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := w.served(ctx, pod)
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		if !now.Equal(first) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// renew asks for a certificate anew, as `cmctl renew` does.
func (w *world) renew(ctx context.Context, name string) error {
	api := w.clients.CertManager.CertmanagerV1().Certificates(operator)
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		crt, err := api.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now := metav1.Now()
		crt.Status.Conditions = append(crt.Status.Conditions, cmapi.CertificateCondition{
			Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue, Reason: "ManuallyTriggered",
			Message: "Certificate re-issuance manually triggered", LastTransitionTime: &now, ObservedGeneration: crt.Generation,
		})
		_, err = api.UpdateStatus(ctx, crt, metav1.UpdateOptions{})
		return err
	})
}
