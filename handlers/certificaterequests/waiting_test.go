package certificaterequests_test

import (
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestARequestWaits(t *testing.T) {
	t.Parallel()
	csr := handlertest.CSR(t, handlertest.NewKey(t))
	f := handlertest.AtRest(t)
	keyless := f.CASecret.DeepCopy()
	keyless.Data = map[string][]byte{"tls.crt": f.CA.PEM, "tls.key": []byte("garbage")}
	unready := handlertest.CAIssuer("ca", "ca-pair")
	unready.Status.Conditions[0].Status, unready.Status.Conditions[0].Message = "False", "the CA has expired"
	self := func(cr *cmapi.CertificateRequest) {
		cr.Spec.IssuerRef.Name = "self"
		cr.Annotations = map[string]string{"cert-manager.io/private-key-secret-name": "key"}
	}
	keySecret := func(data string) *corev1.Secret {
		s := f.CASecret.DeepCopy()
		s.Name, s.Type, s.Data = "key", corev1.SecretTypeOpaque, map[string][]byte{"tls.key": []byte(data)}
		return s
	}
	for name, row := range map[string]struct {
		objects []runtime.Object
		event   string
		message string
	}{
		"for its issuer": {[]runtime.Object{foreign(csr)}, "IssuerNotFound", `spec.issuerRef: Issuer.cert-manager.io/ca does not exist in namespace "team": create it`},
		"for its issuer to be ready": {[]runtime.Object{foreign(csr), unready}, "IssuerNotReady",
			`spec.issuerRef: Issuer.cert-manager.io/ca is not ready: the CA has expired`},
		"for the CA's Secret":            {[]runtime.Object{foreign(csr), f.Issuer}, "SecretMissing", "the CA's Secret team/ca-pair does not exist"},
		"for the CA's Secret to be good": {[]runtime.Object{foreign(csr), f.Issuer, keyless}, "SecretInvalidData", "the CA's Secret team/ca-pair: the CA private key cannot be used"},
		"for its own key":                {[]runtime.Object{foreign(csr, self), handlertest.SelfSignedIssuer("self")}, "MissingSecret", `Secret "key" with the request's private key does not exist`},
		"for its own key, empty":         {[]runtime.Object{foreign(csr, self), handlertest.SelfSignedIssuer("self"), keySecret("")}, "MissingSecret", `Secret "key" has no private key in tls.key: put the request's key there`},
		"for its own key, garbage":       {[]runtime.Object{foreign(csr, self), handlertest.SelfSignedIssuer("self"), keySecret("x")}, "ErrorParsingKey", `Secret "key" holds no usable private key in tls.key`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handlertest.Row{
				Objects: row.objects, Key: handlertest.RequestKey("foreign"), Writes: []string{oneStatus},
				Events: []string{"CertificateRequest/foreign Normal " + row.event + ": "},
				Check: func(t *testing.T, w *handlertest.World) {
					message := wantConditions(t, w, "Approved=True/cert-manager.io", "Ready=False/Pending")
					if !strings.HasPrefix(message, row.message) {
						t.Errorf("message: got %q, want it to begin %q", message, row.message)
					}
					if w.Request("foreign").Status.FailureTime != nil {
						t.Error("it waits, and has a failureTime")
					}
				},
			}.Run(t)
		})
	}
}

// What it waited for comes, and it is signed; the approval is not given twice.
func TestAWaitEnds(t *testing.T) {
	t.Parallel()
	f := handlertest.AtRest(t)
	w := handlertest.New(t, foreign(handlertest.CSR(t, handlertest.NewKey(t))))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	wantConditions(t, w, "Approved=True/cert-manager.io", "Ready=False/Pending")
	w.Forget()
	f.Issuer.Status = cmapi.IssuerStatus{}
	w.Create(f.Issuer)
	p.Settle()
	if message := wantConditions(t, w, "Approved=True/cert-manager.io", "Ready=False/Pending"); !strings.Contains(message, "ca-pair does not exist") {
		t.Errorf("message: got %q, want the issuer's own words", message)
	}
	w.Create(f.CASecret)
	p.Settle()
	wantConditions(t, w, "Approved=True/cert-manager.io", "Ready=True/Issued")
}

// Approval is left to others: nothing is signed without it, and theirs stays.
func TestApprovalByOthers(t *testing.T) {
	t.Parallel()
	byOthers := func(s *handlertest.Settings) { s.Approver.All = false }
	csr := handlertest.CSR(t, handlertest.NewKey(t))
	f := handlertest.AtRest(t)
	theirs := handlertest.Condition(cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "policy.cert-manager.io", "good")
	denied := handlertest.Condition(cmapi.CertificateRequestConditionDenied, cmmeta.ConditionTrue, "policy.cert-manager.io", "bad")
	known := func(edit func(*cmapi.CertificateRequest)) func(*cmapi.CertificateRequest) {
		return func(cr *cmapi.CertificateRequest) { // stored as it is, with its status
			cr.UID = "uid-foreign"
			edit(cr)
			for i := range cr.Status.Conditions {
				cr.Status.Conditions[i].LastTransitionTime.Time = handlertest.Now
			}
		}
	}
	for name, row := range map[string]struct {
		edit       func(*cmapi.CertificateRequest)
		writes     []string
		events     []string
		conditions []string
	}{
		"not yet": {func(*cmapi.CertificateRequest) {}, []string{oneStatus},
			[]string{"CertificateRequest/foreign Normal WaitingForApproval: "}, []string{"Ready=False/Pending"}},
		"approved": {known(theirs), []string{oneStatus}, []string{"CertificateRequest/foreign Normal CertificateIssued: "},
			[]string{"Approved=True/policy.cert-manager.io", "Ready=True/Issued"}},
		"denied": {known(denied), []string{oneStatus},
			[]string{"CertificateRequest/foreign Warning Denied: The CertificateRequest was denied by an approval controller"},
			[]string{"Denied=True/policy.cert-manager.io", "Ready=False/Denied"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handlertest.Row{
				Objects: []runtime.Object{f.Issuer, f.CASecret, foreign(csr, row.edit)}, Settings: byOthers,
				Key: handlertest.RequestKey("foreign"), Writes: row.writes, Events: row.events,
				Check: func(t *testing.T, w *handlertest.World) { wantConditions(t, w, row.conditions...) },
			}.Run(t)
		})
	}
}

// Requests for issuers of other programs are approved; the rest is theirs.
func TestExternalIssuers(t *testing.T) {
	t.Parallel()
	csr := handlertest.CSR(t, handlertest.NewKey(t))
	external := func(cr *cmapi.CertificateRequest) {
		cr.Spec.IssuerRef = cmmeta.IssuerReference{Name: "pca", Kind: "AWSPCAIssuer", Group: "awspca.cert-manager.io"}
	}
	handlertest.Row{
		Objects: []runtime.Object{foreign(csr, external)}, Key: handlertest.RequestKey("foreign"),
		Writes: []string{oneStatus},
		Check:  func(t *testing.T, w *handlertest.World) { wantConditions(t, w, "Approved=True/cert-manager.io") },
	}.Run(t)
	handlertest.Row{
		Objects: []runtime.Object{foreign(csr, external)}, Key: handlertest.RequestKey("foreign"),
		Settings: func(s *handlertest.Settings) { s.Approver.All = false },
	}.Run(t)
}

// Refused for good by the signer, or by what the issuer is.
func TestARequestIsRefused(t *testing.T) {
	t.Parallel()
	key := handlertest.NewKey(t)
	csr := handlertest.CSR(t, key)
	f := handlertest.AtRest(t)
	vault := handlertest.CAIssuer("ca", "")
	vault.Spec.IssuerConfig = cmapi.IssuerConfig{Vault: &cmapi.VaultIssuer{}}
	none := handlertest.CAIssuer("ca", "")
	none.Spec.IssuerConfig = cmapi.IssuerConfig{}
	self := func(cr *cmapi.CertificateRequest) { cr.Spec.IssuerRef.Name = "self" }
	other := f.CASecret.DeepCopy()
	other.Name, other.Type, other.Data = "key", corev1.SecretTypeOpaque, map[string][]byte{"tls.key": handlertest.PKCS8(t, handlertest.NewKey(t))}
	for name, row := range map[string]struct {
		objects []runtime.Object
		message string
	}{
		"an issuer of a type not served": {[]runtime.Object{foreign(csr), vault}, "spec.issuerRef: issuers of type " + string(issuers.Vault) + " are not served"},
		"an issuer of no type":           {[]runtime.Object{foreign(csr), none}, "spec: no issuer type is configured: "},
		"SelfSigned without the annotation": {[]runtime.Object{foreign(csr, self), handlertest.SelfSignedIssuer("self")},
			"a SelfSigned issuer signs with the request's own key: name the Secret that holds it in the annotation cert-manager.io/private-key-secret-name"},
		"SelfSigned with another key": {[]runtime.Object{foreign(csr, self, func(cr *cmapi.CertificateRequest) {
			cr.Annotations = map[string]string{"cert-manager.io/private-key-secret-name": "key"}
		}), handlertest.SelfSignedIssuer("self"), other}, `the private key in Secret "key" is not the key of the request`},
		"a kind of ours that does not exist": {[]runtime.Object{foreign(csr, func(cr *cmapi.CertificateRequest) { cr.Spec.IssuerRef.Kind = "Isuer" })},
			`spec.issuerRef.kind: "Isuer" is not a kind of group cert-manager.io: use Issuer or ClusterIssuer`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handlertest.Row{
				Objects: row.objects, Key: handlertest.RequestKey("foreign"), Writes: []string{oneStatus},
				Events: []string{"CertificateRequest/foreign Warning Failed: " + row.message},
				Check: func(t *testing.T, w *handlertest.World) {
					if message := wantConditions(t, w, "Ready=False/Failed"); !strings.HasPrefix(message, row.message) {
						t.Errorf("message: got %q, want it to begin %q", message, row.message)
					}
				},
			}.Run(t)
		})
	}
}
