package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/certwright/certwright/internal/rules"
	"github.com/certwright/certwright/test/admission"
	"github.com/certwright/certwright/test/harness"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// wellTyped wants the API server to have nothing against the policies: it holds
// each expression against the schemas of the resources it is for.
func (s *server) wellTyped(ctx context.Context) error {
	for _, name := range rules.Policies {
		var found []admissionv1.ExpressionWarning
		err := s.until(ctx, "the types in policy "+name+" are checked", func(ctx context.Context) (bool, error) {
			policy, err := s.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicies().Get(ctx, name, metav1.GetOptions{})
			if err != nil || policy.Status.TypeChecking == nil {
				return false, err
			}
			found = policy.Status.TypeChecking.ExpressionWarnings
			return true, nil
		})
		if err != nil {
			return err
		}
		for _, warning := range found {
			return fmt.Errorf("policy %s: %s: %s", name, warning.FieldRef, warning.Warning)
		}
	}
	return nil
}

// denied is what cert-manager's own check of the API, as in cmctl, looks for.
var denied = regexp.MustCompile(`admission webhook "webhook\.cert-manager\.io" denied the request: (.*)`)

// startupCheck does what cert-manager's clients do to learn that the API is
// ready: of two requests that are never stored one is stamped, one refused.
func (s *server) startupCheck(ctx context.Context) error {
	valid, err := s.try(ctx, checked(string(admission.SigningRequest())))
	if err != nil {
		return fmt.Errorf("start-up check: a valid request: %w", err)
	}
	if valid.Spec.Username == "" {
		return errors.New("start-up check: a valid request was not stamped")
	}
	if _, err := s.try(ctx, checked("invalid-csr")); err == nil || !denied.MatchString(err.Error()) {
		return fmt.Errorf("start-up check: an invalid request was not refused in the words that cmctl knows: %w", err)
	}
	return nil
}

func checked(pem string) *cmapi.CertificateRequest {
	return &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "check-", Namespace: admission.Namespace},
		Spec:       cmapi.CertificateRequestSpec{Request: []byte(pem), IssuerRef: cmmeta.IssuerReference{Name: "check"}},
	}
}

// try creates a request that is not stored.
func (s *server) try(ctx context.Context, cr *cmapi.CertificateRequest) (*cmapi.CertificateRequest, error) {
	return s.CertManager.CertmanagerV1().CertificateRequests(cr.Namespace).Create(ctx, cr, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}

// probe wants the daemon's probes to tell which policies are at work.
func (s *server) probe(ctx context.Context, policies, stamper bool) error {
	refused, stamped := rules.Probes(admission.Namespace)
	_, err := s.try(ctx, refused)
	if err != nil && !apierrors.IsInvalid(err) {
		return fmt.Errorf("probe: %w", err)
	}
	if refuses := err != nil; refuses != policies {
		return fmt.Errorf("probe: policies at work: %t, but it says %t", policies, refuses)
	}
	answer, err := s.try(ctx, stamped)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if stamps := answer.Spec.Username != ""; stamps != stamper {
		return fmt.Errorf("probe: requests are stamped: %t, but it says %t", stamper, stamps)
	}
	return nil
}

// issues has the daemon, with no more than the rights of deploy/rbac, issue a
// certificate under the policies.
func issues(ctx context.Context, stage *harness.Stage) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if _, err := stage.Daemon(ctx, "prove"); err != nil {
		return fmt.Errorf("%w\n%s", err, stage.Logs())
	}
	const namespace, name = "default", "prove"
	api := stage.Clients.CertManager.CertmanagerV1()
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}}}}
	if _, err := api.Issuers(namespace).Create(ctx, issuer, metav1.CreateOptions{}); err != nil {
		return err
	}
	crt := &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: cmapi.CertificateSpec{SecretName: name, DNSNames: []string{"prove.example.com"}, IssuerRef: cmmeta.IssuerReference{Name: name}}}
	if _, err := api.Certificates(namespace).Create(ctx, crt, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := stage.Clients.Certificates().Until(ctx, namespace, name, harness.Ready); err != nil {
		return fmt.Errorf("the daemon does not issue under the policies: %w\n%s", err, stage.Logs())
	}
	request, err := api.CertificateRequests(namespace).Get(ctx, name+"-1", metav1.GetOptions{})
	if err == nil && request.Spec.Username != stage.Account.Username() {
		err = fmt.Errorf("the daemon's request was stamped with %q", request.Spec.Username)
	}
	return err
}
