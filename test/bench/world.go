package main

import (
	"context"
	"encoding/json"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/harness"
)

// world is the stage of one run: control plane, daemon, issuers.
type world struct {
	run
	stage    *harness.Stage
	daemon   *harness.Daemon
	parts    *parts.Set // in a run with ACME
	progress *harness.Progress
}

// open starts everything and leaves it ready to be measured.
func open(ctx context.Context, progress *harness.Progress, r run) (*world, error) {
	stage, err := harness.Open(ctx, harness.StageOptions{Log: progress, Binary: r.binary})
	if err != nil {
		return nil, err
	}
	w := &world{run: r, stage: stage, progress: progress}
	if err := w.furnish(ctx); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, w.close())
	}
	return w, nil
}

func (w *world) furnish(ctx context.Context) (err error) {
	fmt.Fprintln(w.progress, "waiting for the garbage collector to see the CRDs")
	if err := w.stage.Clients.UntilCollected(ctx, "cert-manager.io", "certificaterequests"); err != nil {
		return err
	}
	args := w.daemonFlags
	if w.workers > 0 {
		args = append(args, fmt.Sprintf("--concurrent-workers=%d", w.workers))
	}
	if w.way != "" {
		err = w.furnishACME(ctx, args)
	} else {
		err = w.furnishCA(ctx, args)
	}
	if err != nil {
		return err
	}
	// With an issuer per namespace the daemon has had work; the measure begins
	// from rest.
	_, err = harness.UntilAtRest(ctx, w.daemon.PID(), restQuiet, restLimit)
	return err
}

func (w *world) furnishCA(ctx context.Context, args []string) (err error) {
	if w.daemon, err = w.stage.Daemon(ctx, "certwright", args...); err != nil {
		return err
	}
	ca, err := harness.NewRoot("bench")
	if err != nil {
		return err
	}
	for i := range w.namespaces {
		if err := w.addCA(ctx, namespace(i), ca); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) addCA(ctx context.Context, namespace string, ca *harness.Authority) error {
	clients := w.stage.Clients
	if err := clients.EnsureNamespace(ctx, namespace); err != nil {
		return err
	}
	secret, err := ca.Secret(namespace, issuerName+"-ca")
	if err != nil {
		return err
	}
	if _, err := clients.Kube.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	return w.addIssuer(ctx, namespace, cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: secret.Name}})
}

// issuerName is the issuer of each namespace.
const issuerName = "bench"

func (w *world) addIssuer(ctx context.Context, namespace string, config cmapi.IssuerConfig) error {
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: issuerName}}
	issuer.Spec.IssuerConfig = config
	clients := w.stage.Clients
	if _, err := clients.CertManager.CertmanagerV1().Issuers(namespace).Create(ctx, issuer, metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err := clients.Issuers().Until(ctx, namespace, issuerName, func(i *cmapi.Issuer) bool {
		ready, _, _ := harness.IssuerReady(i.Status)
		return ready
	})
	return err
}

// close ends the world and returns what the daemon said last.
func (w *world) close() string {
	logs := w.stage.Logs()
	if w.parts != nil {
		if err := w.parts.Close(); err != nil {
			logs += err.Error()
		}
	}
	if err := w.stage.Close(); err != nil {
		logs += err.Error()
	}
	return logs
}

// controlPlane are the processes whose time counts as the control plane's.
func (w *world) controlPlane() []int {
	var pids []int
	for _, component := range []string{cluster.Etcd, cluster.APIServer, cluster.ControllerManager} {
		pids = append(pids, w.stage.Cluster.PID(component))
	}
	return pids
}

func namespace(i int) string { return fmt.Sprintf("bench-%03d", i) }

// place is where Certificate number i is.
func (r run) place(i int) (namespaceName, name string) {
	return namespace(i % r.namespaces), fmt.Sprintf("bench-%05d", i)
}

// manifest is the body of a create call.
func (r run) manifest(i int) ([]byte, error) {
	ns, name := r.place(i)
	crt := &cmapi.Certificate{
		TypeMeta:   metav1.TypeMeta{APIVersion: cmapi.SchemeGroupVersion.String(), Kind: cmapi.CertificateKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
		Spec: cmapi.CertificateSpec{
			SecretName: name,
			DNSNames:   []string{name + "." + r.zone()},
			IssuerRef:  cmmeta.IssuerReference{Name: issuerName, Kind: cmapi.IssuerKind, Group: "cert-manager.io"},
			PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256},
		},
	}
	if r.key == "rsa" {
		crt.Spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.RSAKeyAlgorithm, Size: 2048}
	}
	return json.Marshal(crt)
}
