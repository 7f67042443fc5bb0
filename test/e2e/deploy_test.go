package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestExamplesWork applies what a new user applies first.
func TestExamplesWork(t *testing.T) {
	s := space(t)
	dir, err := harness.Folder("deploy", "examples")
	s.Must(err)
	ctx, cancel := s.Within()
	defer cancel()
	objects, err := s.ApplyDir(ctx, dir)
	s.Must(err)
	certificates := 0
	for _, object := range objects {
		if object.GetKind() == cmapi.CertificateKind {
			certificates++
			s.Namespace = object.GetNamespace() // so that a failure shows it
		}
	}
	_, err = s.Certificates().UntilAll(ctx, s.Namespace, harness.AllReady(certificates))
	s.Must(err)
	s.NoLeftovers()
}

// TestSelectableFields: people and tools look for what an issuer has issued.
func TestSelectableFields(t *testing.T) {
	s := space(t)
	s.CA("one")
	s.CA("two")
	s.Issue("of-one", suite.IssuerRef("one"))
	s.Issue("of-two", suite.IssuerRef("two"))
	selector := metav1.ListOptions{FieldSelector: "spec.issuerRef.name=two,spec.issuerRef.kind=Issuer,spec.issuerRef.group=cert-manager.io"}
	certificates, err := s.CertManager.CertmanagerV1().Certificates(s.Namespace).List(t.Context(), selector)
	s.Must(err)
	if len(certificates.Items) != 1 || certificates.Items[0].Name != "of-two" {
		t.Errorf("%d Certificates are found", len(certificates.Items))
	}
	requests, err := s.CertManager.CertmanagerV1().CertificateRequests(s.Namespace).List(t.Context(), selector)
	s.Must(err)
	if len(requests.Items) != 1 || requests.Items[0].Name != "of-two-1" {
		t.Errorf("%d CertificateRequests are found", len(requests.Items))
	}
}

// TestPrinterColumns is what `kubectl get` and `kubectl get -o wide` show.
func TestPrinterColumns(t *testing.T) {
	s := space(t)
	for resource, want := range map[string][]string{
		"certificates":        {"Name", "Ready", "Secret", "Issuer", "Status", "Expiration", "Age"},
		"certificaterequests": {"Name", "Approved", "Denied", "Ready", "Issuer", "Requester", "Status", "Age"},
		"issuers":             {"Name", "Ready", "Status", "Age"},
	} {
		body, err := s.CertManager.CertmanagerV1().RESTClient().Get().Namespace(s.Namespace).Resource(resource).
			SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(t.Context())
		s.Must(err)
		var table metav1.Table
		s.Must(json.Unmarshal(body, &table))
		var columns []string
		for _, column := range table.ColumnDefinitions {
			columns = append(columns, column.Name)
		}
		if !slices.Equal(columns, want) {
			t.Errorf("%s shows %s, want %s", resource, strings.Join(columns, ", "), strings.Join(want, ", "))
		}
	}
}

// TestTemporaryCertificate gives a program that must start now something to
// serve while its real certificate is under way.
func TestTemporaryCertificate(t *testing.T) {
	s := space(t)
	s.Create("web", suite.IssuerRef("late"), func(crt *cmapi.Certificate) {
		crt.Annotations = map[string]string{"cert-manager.io/issue-temporary-certificate": "true"}
	})
	temporary := s.Parse(s.AwaitSecret("web", anySecret))
	if got := temporary.Leaf.Subject.SerialNumber; got != "1234567890" {
		t.Errorf("the temporary certificate has the subject serial number %q", got)
	}
	s.AwaitEvent("web", "Issuing", "Issued temporary certificate")
	if harness.Ready(s.Get("web")) {
		t.Error("it is Ready with a certificate that nobody trusts")
	}
	ca := s.CA("late")
	s.Ready("web")
	s.Bundle("web").SignedBy(s, ca)
	s.NoLeftovers()
}
