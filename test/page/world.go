package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// world is a control plane, and on it a daemon on standby: what it shows is
// what stands here, since nobody works on it.
type world struct {
	stage  *harness.Stage
	daemon *harness.Daemon
	url    string // of the page
	end    context.CancelFunc
	done   chan struct{}
}

// holder is who seems to hold the Lease.
const holder = "another-replica_1"

const setsFile = `apiVersion: certwright.dev/v1alpha1
kind: Configuration
webhookCertificates:
- name: operator
  namespace: shop
  service: operator-webhook
  webhooks: {validating: [operator]}
`

func openWorld(ctx context.Context, log *harness.Progress) (*world, error) {
	stage, err := harness.Open(ctx, harness.StageOptions{Log: log})
	if err != nil {
		return nil, err
	}
	w := &world{stage: stage, done: make(chan struct{})}
	renewing, end := context.WithCancel(ctx)
	w.end = end
	lease, err := w.holdLease(ctx)
	if err != nil {
		close(w.done)
		return nil, errors.Join(err, w.close())
	}
	go w.renewLease(renewing, lease)
	if err := w.furnish(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *world) furnish(ctx context.Context) error {
	for _, ns := range []string{"shop", "live", "many"} {
		if err := w.stage.Clients.EnsureNamespace(ctx, ns); err != nil {
			return err
		}
	}
	if err := w.populate(ctx); err != nil {
		return err
	}
	file := filepath.Join(w.stage.Dir, "sets.yaml")
	if err := os.WriteFile(file, []byte(setsFile), 0o600); err != nil {
		return err
	}
	var err error
	if w.daemon, err = w.stage.Daemon(ctx, "standby", "--config", file); err != nil {
		return fmt.Errorf("%w\n%s", err, w.stage.Logs())
	}
	w.url = strings.TrimSuffix(w.daemon.MetricsURL(), "metrics")
	return nil
}

// holdLease takes the Lease in the name of a replica that does not exist.
func (w *world) holdLease(ctx context.Context) (*coordinationv1.Lease, error) {
	now, seconds, who := metav1.NowMicro(), int32(60), holder
	return w.stage.Clients.Kube.CoordinationV1().Leases("kube-system").Create(ctx, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: "cert-manager-controller"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &who, LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now},
	}, metav1.CreateOptions{})
}

func (w *world) renewLease(ctx context.Context, lease *coordinationv1.Lease) {
	defer close(w.done)
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := metav1.NowMicro()
		lease.Spec.RenewTime = &now
		if updated, err := w.stage.Clients.Kube.CoordinationV1().Leases("kube-system").Update(ctx, lease, metav1.UpdateOptions{}); err == nil {
			lease = updated
		}
	}
}

func (w *world) close() error {
	w.end()
	<-w.done
	return w.stage.Close()
}

func from(d time.Duration) *metav1.Time {
	t := metav1.NewTime(time.Now().Add(d).Truncate(time.Second))
	return &t
}

const day = 24 * time.Hour

// hostile is what somebody may write into a message.
const hostile = `"><script>document.title='obeyed'</script><img src=x onerror="document.title='obeyed'">`

func inOrder(end time.Duration) cmapi.CertificateStatus {
	revision := 1
	return cmapi.CertificateStatus{Revision: &revision, NotBefore: from(end - 90*day), NotAfter: from(end), RenewalTime: from(end - 30*day),
		Conditions: []cmapi.CertificateCondition{condition("Ready", "True", "Ready", "Certificate is up to date and has not expired")}}
}

func condition(kind, status, reason, message string) cmapi.CertificateCondition {
	return cmapi.CertificateCondition{Type: cmapi.CertificateConditionType(kind), Status: cmmeta.ConditionStatus(status), Reason: reason, Message: message, LastTransitionTime: from(-time.Hour)}
}

func failing() cmapi.CertificateStatus {
	n := 2
	return cmapi.CertificateStatus{LastFailureTime: from(-10 * time.Minute), FailedIssuanceAttempts: &n, Conditions: []cmapi.CertificateCondition{
		condition("Ready", "False", "DoesNotExist", "Issuing certificate as Secret does not exist"),
		condition("Issuing", "False", "Failed", "The certificate request has failed to complete and will be retried: "+hostile)}}
}

// populate makes something of every kind, in every state.
func (w *world) populate(ctx context.Context) error {
	if err := w.issuers(ctx); err != nil {
		return err
	}
	for name, c := range map[string]struct {
		issuer string
		status cmapi.CertificateStatus
	}{
		"expired": {"ca", inOrder(-2 * day)},
		"failed":  {"ca", failing()},
		"stuck":   {"broken", inOrder(40 * day)},
		"new":     {"ca", cmapi.CertificateStatus{}},
		"lost":    {"nowhere", cmapi.CertificateStatus{}},
		"due":     {"ca", inOrder(20 * day)},
		"watched": {"ca", cmapi.CertificateStatus{}},
		"a-name-that-is-as-long-as-names-of-certificates-can-be-when-somebody-generates-them-from-other-names": {"ca", inOrder(70 * day)},
	} {
		if _, err := w.certificate(ctx, "shop", name, c.issuer, c.status); err != nil {
			return err
		}
	}
	for i := range 60 {
		if _, err := w.certificate(ctx, "shop", fmt.Sprintf("web-%02d", i), "ca", inOrder(time.Duration(35+i*i%140)*day)); err != nil {
			return err
		}
	}
	return w.order(ctx)
}

func (w *world) issuers(ctx context.Context) error {
	c := w.stage.Clients.CertManager.CertmanagerV1().Issuers("shop")
	for name, status := range map[string]cmapi.IssuerCondition{
		"ca":     {Type: "Ready", Status: "True", Reason: "KeyPairVerified", Message: "Signing CA verified", LastTransitionTime: from(-day)},
		"broken": {Type: "Ready", Status: "False", Reason: "ErrGetKeyPair", Message: "Secret ca is missing. " + hostile, LastTransitionTime: from(-day)},
	} {
		i := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "ca"}}}}
		i, err := c.Create(ctx, i, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		i.Status.Conditions = []cmapi.IssuerCondition{status}
		if _, err := c.UpdateStatus(ctx, i, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) certificate(ctx context.Context, namespace, name, issuer string, status cmapi.CertificateStatus) (*cmapi.Certificate, error) {
	c := w.stage.Clients.CertManager.CertmanagerV1().Certificates(namespace)
	crt, err := c.Create(ctx, &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: cmapi.CertificateSpec{SecretName: name, DNSNames: []string{fmt.Sprintf("%.40s.example.com", name)}, IssuerRef: cmmeta.IssuerReference{Name: issuer}}}, metav1.CreateOptions{})
	if err != nil || len(status.Conditions) == 0 {
		return crt, err
	}
	crt.Status = status
	return c.UpdateStatus(ctx, crt, metav1.UpdateOptions{})
}

// status sets a Certificate's status, as the replica at work would.
func (w *world) status(ctx context.Context, name string, status cmapi.CertificateStatus) error {
	c := w.stage.Clients.CertManager.CertmanagerV1().Certificates("shop")
	crt, err := c.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	crt.Status = status
	_, err = c.UpdateStatus(ctx, crt, metav1.UpdateOptions{})
	return err
}

// order makes a Certificate that waits for an ACME server.
func (w *world) order(ctx context.Context) error {
	crt, err := w.certificate(ctx, "shop", "ordered", "ca", cmapi.CertificateStatus{Conditions: []cmapi.CertificateCondition{condition("Issuing", "True", "DoesNotExist", "Issuing certificate as Secret does not exist")}})
	if err != nil {
		return err
	}
	certificates, acme := w.stage.Clients.CertManager.CertmanagerV1(), w.stage.Clients.CertManager.AcmeV1()
	cr, err := certificates.CertificateRequests("shop").Create(ctx, &cmapi.CertificateRequest{ObjectMeta: metav1.ObjectMeta{Name: "ordered-1",
		Annotations:     map[string]string{cmapi.CertificateNameKey: "ordered", cmapi.CertificateRequestRevisionAnnotationKey: "1"},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(crt, cmapi.SchemeGroupVersion.WithKind("Certificate"))}},
		Spec: cmapi.CertificateRequestSpec{Request: []byte("-----BEGIN CERTIFICATE REQUEST-----\n"), IssuerRef: cmmeta.IssuerReference{Name: "ca"}}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	cr.Status.Conditions = []cmapi.CertificateRequestCondition{{Type: "Approved", Status: "True", Reason: "test", LastTransitionTime: from(-time.Minute)}}
	if cr, err = certificates.CertificateRequests("shop").UpdateStatus(ctx, cr, metav1.UpdateOptions{}); err != nil {
		return err
	}
	order, err := acme.Orders("shop").Create(ctx, &cmacme.Order{ObjectMeta: metav1.ObjectMeta{Name: "ordered-1-7",
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(cr, cmapi.SchemeGroupVersion.WithKind("CertificateRequest"))}},
		Spec: cmacme.OrderSpec{Request: cr.Spec.Request, IssuerRef: cmmeta.IssuerReference{Name: "ca"}, DNSNames: []string{"a.example.com", "b.example.com"}}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	for i, name := range []string{"a", "b", "c", "d"} {
		ch, err := acme.Challenges("shop").Create(ctx, &cmacme.Challenge{ObjectMeta: metav1.ObjectMeta{Name: "ordered-1-7-" + name,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(order, cmacme.SchemeGroupVersion.WithKind("Order"))}},
			Spec: cmacme.ChallengeSpec{URL: "https://acme.example.com/1", AuthorizationURL: "https://acme.example.com/2", DNSName: name + ".example.com", Type: "HTTP-01",
				Token: "secret-token", Key: "secret-token.key", IssuerRef: cmmeta.IssuerReference{Name: "ca"},
				Solver: cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{Ingress: &cmacme.ACMEChallengeSolverHTTP01Ingress{}}}}}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		ch.Status = cmacme.ChallengeStatus{Processing: i < 2, Presented: i < 1, State: cmacme.Pending, Reason: "the self check does not pass yet: " + name + ".example.com answers 404"}
		if _, err := acme.Challenges("shop").UpdateStatus(ctx, ch, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	return nil
}
