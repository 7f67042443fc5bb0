package certificates_test

import (
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Four writes, three events, and nothing else: what the whole design is for.
func TestFirstIssuanceByCA(t *testing.T) {
	t.Parallel()
	w, f := newCertificate(t)
	w.Start(handlertest.Defaults()).Settle()
	w.Wrote(
		"create certificaterequests web-1",
		"update certificaterequests/status web-1",
		"apply secrets web-tls",
		"update certificates/status web",
	)
	w.Told(
		"Certificate/web Normal Issuing: Issuing certificate as Secret does not exist",
		"CertificateRequest/web-1 Normal CertificateIssued: Certificate fetched from issuer successfully",
		"Certificate/web Normal Issuing: The certificate has been successfully issued",
	)
	if diff := cmp.Diff([]string{"get secrets ca-pair"}, w.Reads); diff != "" {
		t.Errorf("reads past the cache (-want +got):\n%s", diff)
	}
	isReady(t, w, 1, "ca-pair")
	wantRequest(t, w.Request("web-1"))
	wantSecret(t, w.Secret("web-tls"), f)
	wantStatus(t, w.Certificate("web"))
}

// wantRequest is the request as the contract has it, section 1.2.
func wantRequest(t *testing.T, got *cmapi.CertificateRequest) {
	t.Helper()
	yes, now := true, metav1.NewTime(handlertest.Now.Truncate(time.Second))
	want := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team", Name: "web-1", CreationTimestamp: now, Generation: 1,
			Annotations: map[string]string{
				"cert-manager.io/certificate-name":        "web",
				"cert-manager.io/certificate-revision":    "1",
				"cert-manager.io/private-key-secret-name": "web-tls",
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: "web", UID: "uid-web",
				Controller: &yes, BlockOwnerDeletion: &yes,
			}},
		},
		Spec: cmapi.CertificateRequestSpec{IssuerRef: cmmeta.IssuerReference{Name: "ca"}},
		Status: cmapi.CertificateRequestStatus{Conditions: []cmapi.CertificateRequestCondition{
			{Type: "Approved", Status: "True", Reason: "cert-manager.io", LastTransitionTime: &now,
				Message: "Certificate request has been approved by cert-manager.io"},
			{Type: "Ready", Status: "True", Reason: "Issued", LastTransitionTime: &now,
				Message: "Certificate fetched from issuer successfully"},
		}},
	}
	if diff := cmp.Diff(want, got,
		cmpopts.IgnoreFields(metav1.ObjectMeta{}, "UID", "ResourceVersion"),
		cmpopts.IgnoreFields(cmapi.CertificateRequestSpec{}, "Request"),
		cmpopts.IgnoreFields(cmapi.CertificateRequestStatus{}, "Certificate", "CA")); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	b, _ := pem.Decode(got.Spec.Request)
	csr, err := x509.ParseCertificateRequest(b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if csr.Subject.CommonName != "web.example.com" || !cmp.Equal(csr.DNSNames, []string{"web.example.com"}) {
		t.Errorf("CSR: got %s with %v", csr.Subject, csr.DNSNames)
	}
}

// wantSecret is the Secret as the contract has it, section 1.2.
func wantSecret(t *testing.T, got *corev1.Secret, f *handlertest.Fixture) {
	t.Helper()
	want := &corev1.Secret{
		TypeMeta: metav1.TypeMeta{Kind: "Secret", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team", Name: "web-tls",
			Labels: map[string]string{"controller.cert-manager.io/fao": "true"},
			Annotations: map[string]string{
				"cert-manager.io/alt-names": "web.example.com", "cert-manager.io/common-name": "web.example.com",
				"cert-manager.io/ip-sans": "", "cert-manager.io/uri-sans": "",
				"cert-manager.io/certificate-name": "web", "cert-manager.io/issuer-name": "ca",
				"cert-manager.io/issuer-kind": "Issuer", "cert-manager.io/issuer-group": "",
			},
		},
		Type: "kubernetes.io/tls",
		Data: map[string][]byte{"tls.key": nil, "tls.crt": nil, "ca.crt": f.CA.PEM},
	}
	leaf := served(t, got)
	if b, _ := pem.Decode(got.Data["tls.key"]); b.Type != "EC PRIVATE KEY" {
		t.Errorf("tls.key: got a %q, want an EC PRIVATE KEY, the default encoding", b.Type)
	}
	if _, more := pem.Decode(got.Data["tls.crt"]); len(more) > 0 {
		t.Error("tls.crt: got more than the leaf; the root must not be in it")
	}
	if wantStart := handlertest.Now.Truncate(time.Second).Add(-5 * time.Minute); !leaf.NotBefore.Equal(wantStart) {
		t.Errorf("the certificate begins %s, want %s: backdated for clocks that are behind", leaf.NotBefore, wantStart)
	}
	got = got.DeepCopy()
	got.Data["tls.key"], got.Data["tls.crt"] = nil, nil
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(metav1.ObjectMeta{},
		"UID", "ResourceVersion", "CreationTimestamp", "Generation", "ManagedFields")); diff != "" {
		t.Errorf("Secret (-want +got):\n%s", diff)
	}
}

func wantStatus(t *testing.T, got *cmapi.Certificate) {
	t.Helper()
	now, revision := handlertest.Now.Truncate(time.Second), 1
	stamp := func(at time.Time) *metav1.Time { m := metav1.NewTime(at); return &m }
	start, end := now.Add(-5*time.Minute), now.Add(90*day)
	want := cmapi.CertificateStatus{
		Conditions: []cmapi.CertificateCondition{{Type: "Ready", Status: "True", Reason: "Ready",
			Message: "Certificate is up to date and has not expired", ObservedGeneration: 1, LastTransitionTime: stamp(now)}},
		NotBefore: stamp(start), NotAfter: stamp(end), RenewalTime: stamp(end.Add(-end.Sub(start) / 3).Truncate(time.Second)),
		Revision: &revision,
	}
	if diff := cmp.Diff(want, got.Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// What others can see of a Certificate goes to its requests.
func TestARequestCarriesLabelsAndAnnotations(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t, func(crt *cmapi.Certificate) {
		crt.Labels = map[string]string{"app": "shop"}
		crt.Annotations = map[string]string{"policy.example.com/class": "gold", "kubectl.kubernetes.io/x": "y"}
	})
	s := handlertest.Defaults()
	s.Certificates.Copies = func(k string) bool { return k != "kubectl.kubernetes.io/x" }
	w.Start(s).Settle()
	got := w.Request("web-1")
	if diff := cmp.Diff(map[string]string{"app": "shop"}, got.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{
		"policy.example.com/class":         "gold",
		"cert-manager.io/certificate-name": "web", "cert-manager.io/certificate-revision": "1",
		"cert-manager.io/private-key-secret-name": "web-tls",
	}, got.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

func TestRenewalByCA(t *testing.T) {
	t.Parallel()
	w, p, f := settled(t)
	w.Clock.SetTime(handlertest.Renewal.Add(-time.Second))
	p.Settle()
	w.Wrote()
	w.Clock.SetTime(handlertest.Renewal)
	p.Settle()
	w.Wrote(
		"create certificaterequests web-2",
		"update certificaterequests/status web-2",
		"apply secrets web-tls",
		"update certificates/status web",
		"delete certificaterequests web-1",
	)
	w.Told(
		"Certificate/web Normal Issuing: Renewing certificate as renewal was scheduled at Tue, 31 Mar 2026 12:00:00 UTC",
		"CertificateRequest/web-2 Normal CertificateIssued: ",
		"Certificate/web Normal Issuing: The certificate has been successfully issued",
	)
	isReady(t, w, 2, "ca-pair")
	if f.Leaf.Equal(served(t, w.Secret("web-tls"))) {
		t.Error("the certificate is the old one")
	}
	if string(w.Secret("web-tls").Data["tls.key"]) == string(f.Secret.Data["tls.key"]) {
		t.Error("the key is the old one: the default rotation policy is Always")
	}
}

// The requests of as many revisions are kept as the spec says.
func TestRevisionHistoryLimit(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	three := int32(3)
	handlertest.Edit(w, "web", func(crt *cmapi.Certificate) { crt.Spec.RevisionHistoryLimit = &three })
	for range 4 {
		p.Settle()
		w.Clock.SetTime(w.Certificate("web").Status.RenewalTime.Time)
	}
	if diff := cmp.Diff([]string{"web-2", "web-3", "web-4"}, w.Requests()); diff != "" {
		t.Errorf("requests kept (-want +got):\n%s", diff)
	}
	one := int32(1)
	w.Forget()
	handlertest.Edit(w, "web", func(crt *cmapi.Certificate) { crt.Spec.RevisionHistoryLimit = &one })
	w.Clock.SetTime(w.Certificate("web").Status.NotBefore.Add(day))
	p.Settle()
	w.Wrote("update certificates/status web", "delete certificaterequests web-2", "delete certificaterequests web-3")
	isReady(t, w, 4, "ca-pair")
}

// Requests of revisions that cannot be any more, as after a status was restored
// from a backup, go; those that are no revision of ours stay.
func TestRequestsOfNoUse(t *testing.T) {
	t.Parallel()
	f := handlertest.AtRest(t)
	of := func(revision int, edit func(*cmapi.CertificateRequest)) *cmapi.CertificateRequest {
		return handlertest.RequestOf(f.Certificate, revision, f.Request.Spec.Request, edit)
	}
	handlertest.Row{
		Objects: append(f.Objects(),
			of(7, func(*cmapi.CertificateRequest) {}),
			of(0, func(cr *cmapi.CertificateRequest) { cr.Name = "web-zero" }),
			of(3, func(cr *cmapi.CertificateRequest) { cr.Annotations["cert-manager.io/certificate-revision"] = "three" }),
			of(9, func(cr *cmapi.CertificateRequest) { cr.OwnerReferences = nil }),
			of(8, func(cr *cmapi.CertificateRequest) { cr.OwnerReferences[0].UID = "uid-another" }),
		),
		Key: handlertest.CertificateKey("web"), Writes: []string{"delete certificaterequests web-7"}, After: toRenewal,
	}.Run(t)
}

// The fixture was written down by hand: a Secret and a status that another
// program left in a cluster are taken over as they are.
func TestAtRestNothingIsWritten(t *testing.T) {
	t.Parallel()
	f := handlertest.AtRest(t)
	handlertest.Row{Objects: f.Objects()}.Run(t)
	handlertest.Row{Objects: f.Objects(), Key: handlertest.CertificateKey("web"), After: toRenewal}.Run(t)
}

// A Certificate, a namespace or a key of nothing: nothing is done.
func TestAKeyOfNothing(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "gone"} {
		handlertest.Row{Key: handlertest.CertificateKey(key)}.Run(t)
	}
}

func TestACertificateBeingDeletedIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := handlertest.AtRest(t)
	f.Certificate.DeletionTimestamp = &metav1.Time{Time: handlertest.Now}
	f.Certificate.Finalizers = []string{"example.com/wait"}
	handlertest.Row{Objects: f.Without(f.Secret), Key: handlertest.CertificateKey("web")}.Run(t)
}

// How long an issuance took is told once, for a histogram.
func TestHowLongAnIssuanceTook(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t)
	p := w.Start(handlertest.Defaults())
	for range 3 {
		if _, err := p.Handle(handlertest.CertificateKey("web")); err != nil {
			t.Fatal(err)
		}
		w.Wait(time.Second)
		w.Refresh()
		if w.Request("web-1") != nil {
			if _, err := p.Handle(handlertest.RequestKey("web-1")); err != nil {
				t.Fatal(err)
			}
		}
		w.Refresh()
	}
	p.Settle()
	if diff := cmp.Diff([]time.Duration{2 * time.Second}, p.Took); diff != "" {
		t.Errorf("took (-want +got):\n%s", diff)
	}
}
