package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/certwright/certwright/test/harness"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// patience bounds every single wait.
const patience = 90 * time.Second

// proof is a control plane, a daemon, and what they are proved against.
type proof struct {
	*harness.Stage
	progress *harness.Progress
	programs programs
	daemon   *harness.Daemon
	root     *harness.Authority
	vault    *vaultServer
	venafi   *venafiStandin
	aws      *awsStandin

	certificates            int
	passed, failed, doubles int
	private                 []string // words that no text may have
	spaces                  int
}

// open starts all but what a row starts for itself.
func open(ctx context.Context, progress *harness.Progress, programs programs) (*proof, error) {
	p := &proof{progress: progress, programs: programs}
	var err error
	if p.Stage, err = harness.Open(ctx, harness.StageOptions{Log: progress}); err != nil {
		return nil, err
	}
	if err := p.furnish(ctx); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *proof) furnish(ctx context.Context) (err error) {
	if p.root, err = harness.NewRoot("Servers' CA"); err != nil {
		return err
	}
	// Some servers are known by the system's roots alone.
	roots := filepath.Join(p.Dir, "roots.pem")
	if err := os.WriteFile(roots, p.root.PEM(), 0o600); err != nil {
		return err
	}
	if p.aws, err = startAWS(); err != nil {
		return err
	}
	if p.vault, err = startVault(ctx, p); err != nil {
		return err
	}
	if p.venafi, err = startVenafi(ctx, p); err != nil {
		return err
	}
	p.daemon, err = p.NewDaemon(harness.DaemonOptions{Env: []string{
		"SSL_CERT_FILE=" + roots, "AWS_ENDPOINT_URL_STS=" + p.aws.url, "KUBE_CACHE_MUTATION_DETECTOR=true",
	}})
	if err != nil {
		return err
	}
	if err := p.daemon.Start(); err != nil {
		return err
	}
	return p.daemon.WaitReady(ctx)
}

func (p *proof) close() error {
	if p.vault != nil {
		p.vault.process.Stop()
	}
	if p.venafi != nil {
		p.venafi.process.Stop()
	}
	if p.aws != nil {
		p.aws.close()
	}
	return p.Stage.Close()
}

// run proves one row and prints its line.
func (p *proof) run(ctx context.Context, r row) {
	began := time.Now()
	said, err := r.prove(ctx, p)
	if err != nil {
		p.failed++
		p.progress.Line("FAILED %s: %v", r.name, err)
		return
	}
	p.passed++
	p.progress.Line("ok     %s: %s (%s)", r.name, said, time.Since(began).Round(100*time.Millisecond))
}

// verdict prints the last line and judges it.
func (p *proof) verdict() error {
	p.progress.Line("issuer-types %d passed %d failed %d double-signed %d", p.passed+p.failed, p.passed, p.failed, p.doubles)
	if p.failed > 0 || p.doubles > 0 || p.passed == 0 {
		return fmt.Errorf("not all rows hold\n%s", p.Logs())
	}
	return nil
}

// space makes a namespace for a row.
func (p *proof) space(ctx context.Context) (string, error) {
	p.spaces++
	name := fmt.Sprintf("row-%d", p.spaces)
	return name, p.Clients.EnsureNamespace(ctx, name)
}

// secret creates a Secret whose values are private from now on.
func (p *proof) secret(ctx context.Context, namespace, name string, data map[string]string) error {
	for _, value := range data {
		if len(value) > 8 && !strings.HasPrefix(value, "-----BEGIN CERTIFICATE") {
			p.private = append(p.private, value)
		}
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, StringData: data}
	_, err := p.Clients.Kube.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{})
	return err
}

// issuer creates an Issuer.
func (p *proof) issuer(ctx context.Context, namespace, name string, spec cmapi.IssuerConfig) error {
	_, err := p.Clients.CertManager.CertmanagerV1().Issuers(namespace).Create(ctx, &cmapi.Issuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: cmapi.IssuerSpec{IssuerConfig: spec},
	}, metav1.CreateOptions{})
	return err
}

// says waits until an Issuer is ready, or not, with a message that has parts.
func (p *proof) says(ctx context.Context, namespace, name string, ready bool, parts ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := p.Clients.Issuers().Until(ctx, namespace, name, func(i *cmapi.Issuer) bool {
		is, reason, message := harness.IssuerReady(i.Status)
		return reason != "" && is == ready && hasAll(message, parts)
	})
	return err
}

func hasAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// certificate asks for one.
func (p *proof) certificate(ctx context.Context, namespace, name, common string, ref cmmeta.IssuerReference) error {
	_, err := p.Clients.CertManager.CertmanagerV1().Certificates(namespace).Create(ctx, &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: cmapi.CertificateSpec{
			SecretName: name + "-tls", CommonName: common, DNSNames: []string{common}, IssuerRef: ref,
			PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm},
		},
	}, metav1.CreateOptions{})
	return err
}

func issuerRef(name string) cmmeta.IssuerReference {
	return cmmeta.IssuerReference{Name: name, Kind: cmapi.IssuerKind, Group: "cert-manager.io"}
}

// issue asks for a certificate and returns its Secret once it is there.
func (p *proof) issue(ctx context.Context, namespace, name, common string, ref cmmeta.IssuerReference) (*corev1.Secret, error) {
	if err := p.certificate(ctx, namespace, name, common, ref); err != nil {
		return nil, err
	}
	return p.issued(ctx, namespace, name)
}

func (p *proof) issued(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := p.Clients.Certificates().Until(ctx, namespace, name, harness.Ready); err != nil {
		return nil, err
	}
	return p.Clients.Secrets().Until(ctx, namespace, name+"-tls", harness.HasKeyPair)
}

// fails asks for a certificate that is not to be had, and wants the request to
// say why.
func (p *proof) fails(ctx context.Context, namespace, name, common string, ref cmmeta.IssuerReference, parts ...string) error {
	if err := p.certificate(ctx, namespace, name, common, ref); err != nil {
		return err
	}
	return p.failure(ctx, namespace, name, parts...)
}

// failure wants an attempt of a Certificate to have failed with those words.
func (p *proof) failure(ctx context.Context, namespace, name string, parts ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := p.Clients.Certificates().Until(ctx, namespace, name, func(crt *cmapi.Certificate) bool {
		c := harness.Condition(crt, cmapi.CertificateConditionIssuing)
		return crt.Status.LastFailureTime != nil && c != nil && hasAll(c.Reason+": "+c.Message, parts)
	})
	return err
}

// chain checks a Secret: so many certificates in tls.crt, the leaf first, and
// ca.crt of that name; empty: none.
func chain(secret *corev1.Secret, length int, ca string) error {
	certs, err := parse(secret.Data["tls.crt"])
	if err != nil {
		return err
	}
	if len(certs) != length {
		return fmt.Errorf("tls.crt has %d certificates, want %d", len(certs), length)
	}
	for i := range certs[1:] {
		if err := certs[i].CheckSignatureFrom(certs[i+1]); err != nil {
			return fmt.Errorf("tls.crt: %w", err)
		}
	}
	above, err := parse(secret.Data["ca.crt"])
	if err != nil {
		return err
	}
	if ca == "" && len(above) == 0 {
		return nil
	}
	if len(above) != 1 || above[0].Subject.CommonName != ca {
		return fmt.Errorf("ca.crt: want %q alone", ca)
	}
	return nil
}

// noLeaks looks for credentials in all that was said.
func noLeaks(ctx context.Context, p *proof) (string, error) {
	texts := map[string]string{"the daemon's log": p.AllLogs()}
	cm := p.Clients.CertManager.CertmanagerV1()
	issuers, err1 := cm.Issuers("").List(ctx, metav1.ListOptions{})
	requests, err2 := cm.CertificateRequests("").List(ctx, metav1.ListOptions{})
	certificates, err3 := cm.Certificates("").List(ctx, metav1.ListOptions{})
	events, err4 := p.Clients.Kube.CoreV1().Events("").List(ctx, metav1.ListOptions{})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return "", err
	}
	for name, list := range map[string]any{"an issuer": issuers.Items, "a request": requests.Items, "a Certificate": certificates.Items, "an event": events.Items} {
		texts[name] = fmt.Sprintf("%+v", list)
	}
	for name, text := range texts {
		for _, word := range p.private {
			if strings.Contains(text, word) {
				return "", fmt.Errorf("%s says %q", name, word[:4]+"...")
			}
		}
	}
	return fmt.Sprintf("%d credentials, %d events", len(p.private), len(events.Items)), nil
}
