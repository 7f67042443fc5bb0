package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/certwright/certwright/test/harness"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// awsPrivateCA runs aws-privateca-issuer as it is.
func awsPrivateCA(ctx context.Context, p *proof) (string, error) {
	namespace, err := p.space(ctx)
	if err != nil {
		return "", err
	}
	dir, err := awspcaCRDs(ctx)
	if err != nil {
		return "", err
	}
	if _, err := p.Clients.ApplyDir(ctx, dir); err != nil {
		return "", err
	}
	ports, err := harness.FreePorts(2)
	if err != nil {
		return "", err
	}
	controller, err := harness.StartProcess(harness.ProcessOptions{
		Name: "aws-privateca-issuer", Path: p.programs.awspca, Dir: p.Dir,
		Args: []string{"-kubeconfig", p.Cluster.Kubeconfig(),
			fmt.Sprintf("-metrics-bind-address=127.0.0.1:%d", ports[0]), fmt.Sprintf("-health-probe-bind-address=127.0.0.1:%d", ports[1])},
		Env: []string{"AWS_ENDPOINT_URL_ACM_PCA=" + p.aws.url, "AWS_ENDPOINT_URL_STS=" + p.aws.url,
			"AWS_ACCESS_KEY_ID=standin", "AWS_SECRET_ACCESS_KEY=" + awsSecretKey, "AWS_REGION=eu-central-1", "AWS_EC2_METADATA_DISABLED=true"},
	})
	if err != nil {
		return "", err
	}
	defer controller.Stop()
	ref := cmmeta.IssuerReference{Name: "pca", Kind: "AWSPCAIssuer", Group: "awspca.cert-manager.io"}
	// Before its issuer exists, the request waits, for as long as it takes.
	if err := p.certificate(ctx, namespace, "web-0", "web-0.example.com", ref); err != nil {
		return "", err
	}
	if err := p.waits(ctx, namespace, "web-0", `CertificateRequest "web-0-1"`); err != nil {
		return "", err
	}
	if err := p.Clients.Apply(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "awspca.cert-manager.io/v1beta1", "kind": "AWSPCAIssuer",
		"metadata": map[string]any{"namespace": namespace, "name": "pca"},
		"spec":     map[string]any{"arn": awsCAARN, "region": "eu-central-1"},
	}}); err != nil {
		return "", err
	}
	const n = 3
	for i := range n {
		name := fmt.Sprintf("web-%d", i)
		if i > 0 {
			if err := p.certificate(ctx, namespace, name, name+".example.com", ref); err != nil {
				return "", err
			}
		}
		secret, err := p.issued(ctx, namespace, name)
		if err != nil {
			return "", fmt.Errorf("%w\n%s", err, controller.Log())
		}
		if err := chain(secret, 1, awsRoot); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d certificates, the first asked for before its issuer was there", n), nil
}

const oddGroup = "odd.example.com"

// odd answers the requests of its group in its own way: by their names.
type odd struct {
	p    *proof
	root *harness.Authority
	key  *ecdsa.PrivateKey
}

// oddIssuer proves what becomes of the answers that no issuer should give.
func oddIssuer(ctx context.Context, p *proof) (string, error) {
	namespace, err := p.space(ctx)
	if err != nil {
		return "", err
	}
	o := &odd{p: p}
	if o.root, err = harness.NewRoot("Odd CA"); err != nil {
		return "", err
	}
	if o.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return "", err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- o.serve(running, namespace) }()
	ref := cmmeta.IssuerReference{Name: "odd", Kind: "OddIssuer", Group: oddGroup}
	bad := map[string]string{ // what the Certificate says then
		"garbage": "InvalidCertificate", "otherkey": "InvalidCertificate", "expired": "InvalidCertificate",
		"failed": "Failed: ", "denied": "Denied: ", "invalid": "the odd issuer finds it invalid",
	}
	for name := range bad {
		if err := p.certificate(ctx, namespace, name, name+".example.com", ref); err != nil {
			return "", err
		}
	}
	for _, name := range []string{"silent", "late"} {
		if err := p.certificate(ctx, namespace, name, name+".example.com", ref); err != nil {
			return "", err
		}
	}
	for name, said := range bad {
		if err := p.failure(ctx, namespace, name, said); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		if _, err := p.Clients.Kube.CoreV1().Secrets(namespace).Get(ctx, name+"-tls", metav1.GetOptions{}); err == nil {
			return "", fmt.Errorf("%s: a Secret was written", name)
		}
	}
	secret, err := p.issued(ctx, namespace, "late")
	if err != nil {
		return "", err
	}
	if err := chain(secret, 1, "Odd CA"); err != nil {
		return "", err
	}
	if err := p.waits(ctx, namespace, "silent", `CertificateRequest "silent-1": spec.issuerRef: the API server does not know the kind OddIssuer of group odd.example.com`); err != nil {
		return "", err
	}
	stop()
	if err := <-ended; err != nil {
		return "", err
	}
	return "never answers (waits), another key, garbage, expired, Failed, Denied, InvalidRequest (nothing stored), late (issued)", nil
}

// serve answers each approved request once.
func (o *odd) serve(ctx context.Context, namespace string) error {
	done := map[string]bool{}
	for ctx.Err() == nil {
		requests, err := o.p.Clients.Requests().UntilAll(ctx, namespace, func(all []*cmapi.CertificateRequest) bool {
			return next(all, done) != nil
		})
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to end
		}
		if err != nil {
			return err
		}
		cr := next(requests, done)
		done[cr.Name] = true
		if err := o.answer(ctx, cr.DeepCopy()); err != nil {
			return fmt.Errorf("the odd issuer: %w", err)
		}
	}
	return nil
}

func next(all []*cmapi.CertificateRequest, done map[string]bool) *cmapi.CertificateRequest {
	for _, cr := range all {
		approved := harness.RequestCondition(cr, cmapi.CertificateRequestConditionApproved)
		if approved != nil && cr.Spec.IssuerRef.Group == oddGroup && !done[cr.Name] {
			return cr
		}
	}
	return nil
}

func (o *odd) answer(ctx context.Context, cr *cmapi.CertificateRequest) error {
	kind, _, _ := strings.Cut(cr.Name, "-")
	set := func(t cmapi.CertificateRequestConditionType, status cmmeta.ConditionStatus, reason, message string) {
		now := metav1.Now()
		cr.Status.Conditions = append(cr.Status.Conditions, cmapi.CertificateRequestCondition{Type: t, Status: status, Reason: reason, Message: message, LastTransitionTime: &now})
	}
	issued := func(text []byte) {
		cr.Status.Certificate, cr.Status.CA = text, o.root.PEM()
		set(cmapi.CertificateRequestConditionReady, cmmeta.ConditionTrue, "Issued", "signed by the odd issuer")
	}
	var err error
	var text []byte
	switch kind {
	case "silent":
		return nil
	case "late":
		pause(5 * time.Second)
		text, err = o.sign(cr, nil, time.Hour)
		issued(text)
	case "garbage":
		issued([]byte("this is no certificate"))
	case "otherkey":
		text, err = o.sign(cr, o.key.Public(), time.Hour)
		issued(text)
	case "expired":
		text, err = o.sign(cr, nil, -time.Minute)
		issued(text)
	case "failed":
		set(cmapi.CertificateRequestConditionReady, cmmeta.ConditionFalse, "Failed", "the odd issuer will not")
	case "denied":
		set(cmapi.CertificateRequestConditionReady, cmmeta.ConditionFalse, "Denied", "the odd issuer may not")
	case "invalid":
		set(cmapi.CertificateRequestConditionInvalidRequest, cmmeta.ConditionTrue, "Odd", "the odd issuer finds it invalid")
		set(cmapi.CertificateRequestConditionReady, cmmeta.ConditionFalse, "Failed", "the odd issuer finds it invalid")
	}
	if err != nil {
		return err
	}
	_, err = o.p.Clients.CertManager.CertmanagerV1().CertificateRequests(cr.Namespace).UpdateStatus(ctx, cr, metav1.UpdateOptions{})
	return err
}

// sign signs a request, or its names with another key.
func (o *odd) sign(cr *cmapi.CertificateRequest, public crypto.PublicKey, lasts time.Duration) ([]byte, error) {
	block, _ := pem.Decode(cr.Spec.Request)
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	if public == nil {
		public = csr.PublicKey
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: csr.Subject.CommonName}, DNSNames: csr.DNSNames,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lasts), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}, o.root.Certificate, public, o.root.Key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

// harnessEvents waits for an event about an object that has the words in it.
func harnessEvents(ctx context.Context, p *proof, namespace, name, words string) ([]*corev1.Event, error) {
	return p.Clients.Events().UntilAll(ctx, namespace, func(all []*corev1.Event) bool {
		for _, e := range all {
			if e.InvolvedObject.Name == name && strings.Contains(e.Message, words) {
				return true
			}
		}
		return false
	})
}
