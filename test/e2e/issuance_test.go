package e2e

import (
	"bytes"
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

func TestSelfSignedIssuesACertificateSignedByItself(t *testing.T) {
	s := space(t)
	s.SelfSigned("self")
	got := s.Issue("lonely", suite.IssuerRef("self"))
	if err := got.Leaf.CheckSignature(got.Leaf.SignatureAlgorithm, got.Leaf.RawTBSCertificate, got.Leaf.Signature); err != nil {
		t.Errorf("it is not signed with its own key: %v", err)
	}
	if len(got.Chain) != 1 || len(got.CA) != 1 || !got.CA[0].Equal(got.Leaf) {
		t.Errorf("tls.crt holds %d and ca.crt %d certificates, want itself in both", len(got.Chain), len(got.CA))
	}
	s.NoLeftovers()
}

func TestCASignsACertificate(t *testing.T) {
	s := space(t)
	ca := s.CA("ca")
	before := time.Now()
	got := s.Issue("web", suite.IssuerRef("ca"))
	got.SignedBy(s, ca)
	if len(got.Chain) != 1 {
		t.Errorf("tls.crt holds %d certificates, want the leaf without the root", len(got.Chain))
	}
	if bits := got.Leaf.SerialNumber.BitLen(); bits < 64 {
		t.Errorf("the serial number has %d bits, too few to be random", bits)
	}
	if !got.Leaf.NotBefore.Before(before) {
		t.Errorf("it begins at %s, want earlier than %s for clocks that are late", got.Leaf.NotBefore, before)
	}
	crt := s.Get("web")
	if harness.Revision(crt) != 1 || crt.Status.FailedIssuanceAttempts != nil || crt.Status.LastFailureTime != nil {
		t.Errorf("the status of a first issuance is not clean: %+v", crt.Status)
	}
	assertTimes(t, crt, got)
	s.NoLeftovers()
}

// assertTimes holds the status against the certificate: renewal a third of the
// lifetime before the end.
func assertTimes(t *testing.T, crt *cmapi.Certificate, got *suite.Bundle) {
	t.Helper()
	status := crt.Status
	if status.NotBefore == nil || status.NotAfter == nil || status.RenewalTime == nil {
		t.Fatalf("the status lacks times: %+v", status)
	}
	if !status.NotBefore.Time.Equal(got.Leaf.NotBefore) || !status.NotAfter.Time.Equal(got.Leaf.NotAfter) {
		t.Errorf("the status says %s to %s, the certificate %s to %s",
			status.NotBefore, status.NotAfter, got.Leaf.NotBefore, got.Leaf.NotAfter)
	}
	third := got.Leaf.NotAfter.Add(-got.Leaf.NotAfter.Sub(got.Leaf.NotBefore) / 3)
	if off := status.RenewalTime.Sub(third).Abs(); off > time.Second {
		t.Errorf("renewal at %s, want %s", status.RenewalTime, third)
	}
}

func TestReadyConditionSaysSoInTheContractsWords(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	crt := s.Get("web")
	ready := harness.Condition(crt, cmapi.CertificateConditionReady)
	if ready.Reason != "Ready" || ready.Message != "Certificate is up to date and has not expired" {
		t.Errorf("Ready says %s: %s", ready.Reason, ready.Message)
	}
	if ready.ObservedGeneration != crt.Generation || ready.LastTransitionTime.IsZero() {
		t.Errorf("Ready is of generation %d and time %s", ready.ObservedGeneration, ready.LastTransitionTime)
	}
	if issuing := harness.Condition(crt, cmapi.CertificateConditionIssuing); issuing != nil {
		t.Errorf("Issuing is left behind: %+v", issuing)
	}
}

func TestRequestOfACertificateLooksAsTheContractSays(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Labels = map[string]string{"team": "blue"}
		crt.Annotations = map[string]string{
			"example.com/ticket":                               "4711",
			"argocd.argoproj.io/sync-wave":                     "2",
			"kubectl.kubernetes.io/last-applied-configuration": "{}",
		}
	})
	crt, all := s.Get("web"), s.AllRequests()
	if len(all) != 1 || all[0].Name != "web-1" {
		t.Fatalf("want the one request web-1:\n%s", harness.Show(all...))
	}
	cr := all[0]
	owner := metav1.GetControllerOf(cr)
	if owner == nil || owner.UID != crt.UID || owner.BlockOwnerDeletion == nil || !*owner.BlockOwnerDeletion {
		t.Errorf("the Certificate does not own its request: %+v", owner)
	}
	for key, want := range map[string]string{
		"cert-manager.io/certificate-name": "web", "cert-manager.io/certificate-revision": "1", "example.com/ticket": "4711",
		"argocd.argoproj.io/sync-wave": "", "kubectl.kubernetes.io/last-applied-configuration": "",
	} {
		if got := cr.Annotations[key]; got != want {
			t.Errorf("annotation %s is %q, want %q", key, got, want)
		}
	}
	if cr.Annotations["cert-manager.io/private-key-secret-name"] == "" {
		t.Error("no Secret of the private key is named")
	}
	if cr.Labels["team"] != "blue" {
		t.Errorf("labels are not copied: %v", cr.Labels)
	}
	assertVerdicts(t, cr)
}

func assertVerdicts(t *testing.T, cr *cmapi.CertificateRequest) {
	t.Helper()
	for kind, want := range map[cmapi.CertificateRequestConditionType][2]string{
		cmapi.CertificateRequestConditionApproved: {"cert-manager.io", "Certificate request has been approved by cert-manager.io"},
		cmapi.CertificateRequestConditionReady:    {"Issued", "Certificate fetched from issuer successfully"},
	} {
		c := harness.RequestCondition(cr, kind)
		if c == nil || c.Status != "True" || c.Reason != want[0] || c.Message != want[1] {
			t.Errorf("condition %s is %+v, want True, %s: %s", kind, c, want[0], want[1])
		}
	}
}

func TestChainOfIntermediatesMadeByCertwright(t *testing.T) {
	s := space(t)
	s.SelfSigned("self")
	isCA := func(crt *cmapi.Certificate) {
		crt.Spec.IsCA, crt.Spec.CommonName, crt.Spec.DNSNames = true, crt.Name, nil
	}
	s.Issue("root", suite.IssuerRef("self"), isCA)
	for _, step := range [][2]string{{"root", "one"}, {"one", "two"}} {
		s.CreateIssuer(step[0], cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: step[0]}})
		s.Issue(step[1], suite.IssuerRef(step[0]), isCA)
	}
	s.CreateIssuer("two", cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "two"}})
	leaf := s.Issue("leaf", suite.IssuerRef("two"))
	var names []string
	for _, certificate := range leaf.Chain[1:] {
		names = append(names, certificate.Subject.CommonName)
	}
	if !slices.Equal(names, []string{"two", "one"}) {
		t.Errorf("tls.crt has the intermediates %q, want two, one", names)
	}
	// The Secret of two has no root in its tls.crt, so one is the topmost known.
	if len(leaf.CA) != 1 || leaf.CA[0].Subject.CommonName != "one" {
		t.Errorf("ca.crt is %s, want the topmost issuer known", leaf.CA[0].Subject)
	}
}

func TestChainOfIntermediatesMadeElsewhere(t *testing.T) {
	s := space(t)
	root, err := harness.NewRoot("elsewhere root")
	s.Must(err)
	one, err := root.Sub("elsewhere one")
	s.Must(err)
	two, err := one.Sub("elsewhere two")
	s.Must(err)
	s.CAOf("ca", two)
	leaf := s.Issue("leaf", suite.IssuerRef("ca"))
	leaf.SignedBy(s, two)
	if len(leaf.Chain) != 3 || !leaf.Chain[1].Equal(two.Certificate) || !leaf.Chain[2].Equal(one.Certificate) {
		t.Errorf("tls.crt holds %d certificates, want leaf, two, one and no root", len(leaf.Chain))
	}
}

func TestClusterIssuerServesEveryNamespace(t *testing.T) {
	s := space(t)
	ca, err := harness.NewRoot(s.Namespace)
	s.Must(err)
	secret := s.CASecret(s.Namespace+"-ca", ca)
	secret.Namespace = "kube-system" // the default of --cluster-resource-namespace
	s.PutSecret(secret)
	issuer := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: s.Namespace}}
	issuer.Spec.CA = &cmapi.CAIssuer{SecretName: secret.Name}
	_, err = s.CertManager.CertmanagerV1().ClusterIssuers().Create(t.Context(), issuer, metav1.CreateOptions{})
	s.Must(err)
	for _, place := range []*suite.Space{s, world.Space(t)} {
		got := place.Issue("web", suite.ClusterRef(s.Namespace))
		got.SignedBy(place, ca)
		if kind := got.Secret.Annotations["cert-manager.io/issuer-kind"]; kind != "ClusterIssuer" {
			t.Errorf("the Secret says it was issued by a %q", kind)
		}
	}
}

func TestIssuerPutsItsAddressesIntoCertificates(t *testing.T) {
	s := space(t)
	root, err := harness.NewRoot("addresses")
	s.Must(err)
	s.PutSecret(s.CASecret("ca", root))
	s.CreateIssuer("ca", cmapi.IssuerConfig{CA: &cmapi.CAIssuer{
		SecretName:             "ca",
		CRLDistributionPoints:  []string{"http://crl.example.com/ca.crl"},
		OCSPServers:            []string{"http://ocsp.example.com"},
		IssuingCertificateURLs: []string{"http://ca.example.com/ca.crt"},
	}})
	leaf := s.Issue("web", suite.IssuerRef("ca")).Leaf
	for what, pair := range map[string][2][]string{
		"CRL distribution points":  {leaf.CRLDistributionPoints, {"http://crl.example.com/ca.crl"}},
		"OCSP servers":             {leaf.OCSPServer, {"http://ocsp.example.com"}},
		"issuing certificate URLs": {leaf.IssuingCertificateURL, {"http://ca.example.com/ca.crt"}},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s are %q, want %q", what, pair[0], pair[1])
		}
	}
}

func TestEveryCertificateHasItsOwnKeyAndSerial(t *testing.T) {
	s := space(t)
	s.CA("ca")
	one, two := s.Issue("one", suite.IssuerRef("ca")), s.Issue("two", suite.IssuerRef("ca"))
	if one.SameKey(two) || one.Leaf.SerialNumber.Cmp(two.Leaf.SerialNumber) == 0 {
		t.Error("two Certificates share a key or a serial number")
	}
	if !bytes.Equal(one.Leaf.AuthorityKeyId, two.Leaf.AuthorityKeyId) {
		t.Error("the authority key identifiers of one CA differ")
	}
}
