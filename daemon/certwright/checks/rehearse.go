package checks

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The objects of the rehearsals. example.com is nobody's (RFC 2606), and an
// issuer of that name is not supposed to exist.
const (
	rehearsalPrefix = "certwright-check-"
	rehearsalName   = "check.example.com"
)

// rehearse lets the API server go through the creation of objects, with all
// admission, without storing them.
func rehearse(ctx context.Context, api API) []Finding {
	certificate := api.judge(ctx, "certificates", "a Certificate", createCertificate(ctx, api, rehearsalName))
	findings := []Finding{certificate}
	if certificate.Verdict == OK {
		findings = append(findings, refusal(createCertificate(ctx, api)))
	}
	csr, err := certificateRequest()
	if err != nil {
		return append(findings, Finding{Note, fmt.Sprintf("the creation of a CertificateRequest was not rehearsed: %v", err), ""})
	}
	return append(findings, api.judge(ctx, "certificaterequests", "a CertificateRequest", createRequest(ctx, api, csr)))
}

// judge makes a finding of the creation of an object that is as it should be.
func (api API) judge(ctx context.Context, resource, what string, err error) Finding {
	switch {
	case err == nil:
		return Finding{OK, what + " can be created in namespace " + api.Namespace, ""}
	case apierrors.IsForbidden(err) && !api.mayCreate(ctx, resource):
		return Finding{Note, fmt.Sprintf("you may not create %s in namespace %s, so that was not rehearsed", what, api.Namespace), ""}
	case apierrors.IsNotFound(err):
		return Finding{Failed, fmt.Sprintf("%s cannot be created: %v", what, err), "choose a namespace that exists with -n"}
	}
	return Finding{Failed, fmt.Sprintf("%s cannot be created: %v", what, err),
		"look at the admission policies and webhooks: kubectl get validatingwebhookconfigurations,validatingadmissionpolicies"}
}

// mayCreate tells a refusal by admission from one for want of rights; both are
// Forbidden.
func (api API) mayCreate(ctx context.Context, resource string) bool {
	review, err := api.Reviews.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: api.Namespace, Verb: "create", Group: cmapi.SchemeGroupVersion.Group, Resource: resource,
		}},
	}, metav1.CreateOptions{})
	return err == nil && review.Status.Allowed
}

// refusal judges the creation of a Certificate without any name.
func refusal(err error) Finding {
	switch {
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err), apierrors.IsBadRequest(err):
		return Finding{OK, "a faulty Certificate is refused at once", ""}
	case err != nil:
		return Finding{Note, fmt.Sprintf("whether a faulty Certificate is refused is not known: %v", err), ""}
	}
	return Finding{Note, "a faulty Certificate is accepted, so that its faults show only in its conditions",
		"install the admission policies: kubectl apply -k deploy/policies"}
}

func createCertificate(ctx context.Context, api API, dnsNames ...string) error {
	_, err := api.Certs.Certificates(api.Namespace).Create(ctx, &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{GenerateName: rehearsalPrefix},
		Spec: cmapi.CertificateSpec{
			SecretName: rehearsalPrefix + "tls", DNSNames: dnsNames,
			IssuerRef: cmmeta.IssuerReference{Name: rehearsalPrefix + "issuer", Kind: cmapi.IssuerKind},
		},
	}, dryRun())
	return err
}

func createRequest(ctx context.Context, api API, csr []byte) error {
	_, err := api.Certs.CertificateRequests(api.Namespace).Create(ctx, &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: rehearsalPrefix},
		Spec: cmapi.CertificateRequestSpec{
			Request:   csr,
			IssuerRef: cmmeta.IssuerReference{Name: rehearsalPrefix + "issuer", Kind: cmapi.IssuerKind},
		},
	}, dryRun())
	return err
}

func dryRun() metav1.CreateOptions {
	return metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
}

// certificateRequest makes a CSR whose key is thrown away at once.
func certificateRequest() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{rehearsalName}}, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}
