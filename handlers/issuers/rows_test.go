package issuers_test

import (
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// fresh is an issuer that nobody has looked at.
func fresh(name string, c cmapi.IssuerConfig) *cmapi.Issuer {
	return &cmapi.Issuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: name},
		Spec:       cmapi.IssuerSpec{IssuerConfig: c},
	}
}

func freshCA() *cmapi.Issuer {
	return fresh("ca", cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "ca-pair"}})
}

// ready compares an issuer's only condition.
func ready(t *testing.T, status cmapi.IssuerStatus, want cmapi.IssuerCondition) {
	t.Helper()
	stamp := metav1.NewTime(handlertest.Now.Truncate(time.Second))
	want.Type, want.LastTransitionTime = "Ready", &stamp
	if want.ObservedGeneration == 0 {
		want.ObservedGeneration = 1
	}
	if diff := cmp.Diff([]cmapi.IssuerCondition{want}, status.Conditions); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
}

func TestIssuersOfEveryType(t *testing.T) {
	t.Parallel()
	authority := handlertest.NewAuthority(t, "Test CA")
	toEnd := authority.Certificate.NotAfter.Sub(handlertest.Now) + time.Second
	for name, row := range map[string]struct {
		config  cmapi.IssuerConfig
		after   time.Duration
		status  cmmeta.ConditionStatus
		reason  string
		message string
	}{
		"selfSigned": {cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}}, 0, "True", "IsReady", "Ready to sign requests with their own keys"},
		"ca":         {cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "ca-pair"}}, toEnd, "True", "KeyPairVerified", "Signing CA verified"},
		"none": {cmapi.IssuerConfig{}, 0, "False", "BadConfig",
			"spec: no issuer type is configured: set one of spec.acme, spec.ca, spec.selfSigned, spec.vault or spec.venafi"},
		"two": {cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}, CA: &cmapi.CAIssuer{}}, 0, "False", "BadConfig",
			"spec: several issuer types are configured (ca, selfSigned): keep one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind := "Warning"
			if row.status == "True" {
				kind = "Normal"
			}
			want := cmapi.IssuerCondition{Status: row.status, Reason: row.reason, Message: row.message}
			handlertest.Row{
				Objects: []runtime.Object{fresh("ca", row.config), handlertest.PairSecret(t, "ca-pair", authority)},
				Key:     handlertest.IssuerKey("ca"), After: row.after,
				Writes: []string{"update issuers/status ca"},
				Events: []string{"Issuer/ca " + kind + " " + row.reason + ": " + row.message},
				Check: func(t *testing.T, w *handlertest.World) {
					ready(t, handlertest.Get[*cmapi.Issuer](w, "ca").Status, want)
				},
			}.Run(t)
		})
	}
}

func TestIssuersThatAreGone(t *testing.T) {
	t.Parallel()
	deleted := freshCA()
	deleted.DeletionTimestamp, deleted.Finalizers = &metav1.Time{Time: handlertest.Now}, []string{"example.com/wait"}
	handlertest.Row{Key: handlertest.IssuerKey("gone")}.Run(t)
	handlertest.Row{Key: handlertest.ClusterIssuerKey("gone")}.Run(t)
	handlertest.Row{Key: handlertest.IssuerKey("ca"), Objects: []runtime.Object{deleted}}.Run(t)
}

// An edit is a new generation, which the condition tells; the time of the
// last change of Ready stays.
func TestAnEditedIssuer(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, fresh("self", cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}}))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	w.Forget()
	w.Wait(time.Hour)
	handlertest.Edit(w, "self", func(i *cmapi.Issuer) { i.Spec.SelfSigned.CRLDistributionPoints = []string{"http://example.com/crl"} })
	p.Settle()
	w.Wrote("update issuers/status self")
	ready(t, handlertest.Get[*cmapi.Issuer](w, "self").Status, cmapi.IssuerCondition{
		Status: "True", Reason: "IsReady", Message: "Ready to sign requests with their own keys", ObservedGeneration: 2})
	w.Forget()
	p.Settle()
	w.Wrote()
}

// ClusterIssuers find their Secrets in the namespace for cluster resources.
func TestClusterIssuer(t *testing.T) {
	t.Parallel()
	authority := handlertest.NewAuthority(t, "Test CA")
	here, elsewhere := handlertest.PairSecret(t, "ca-pair", authority), handlertest.PairSecret(t, "ca-pair", authority)
	here.Namespace, elsewhere.Namespace = "kube-system", handlertest.Namespace
	root := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: "root"}, Spec: freshCA().Spec}
	handlertest.Row{
		Objects: []runtime.Object{root, here}, Key: handlertest.ClusterIssuerKey("root"),
		After:  authority.Certificate.NotAfter.Sub(handlertest.Now) + time.Second,
		Writes: []string{"update clusterissuers/status root"},
		Events: []string{"ClusterIssuer/root Normal KeyPairVerified: Signing CA verified"},
		Check: func(t *testing.T, w *handlertest.World) {
			ready(t, handlertest.Get[*cmapi.ClusterIssuer](w, "root").Status,
				cmapi.IssuerCondition{Status: "True", Reason: "KeyPairVerified", Message: "Signing CA verified"})
		},
	}.Run(t)
	handlertest.Row{
		Objects: []runtime.Object{root, elsewhere}, Key: handlertest.ClusterIssuerKey("root"),
		Writes: []string{"update clusterissuers/status root"},
		Events: []string{"ClusterIssuer/root Warning ErrGetKeyPair: spec.ca.secretName: Secret kube-system/ca-pair does not exist"},
	}.Run(t)
	handlertest.Row{
		Objects: []runtime.Object{root, elsewhere}, Key: handlertest.ClusterIssuerKey("root"),
		Settings: func(s *handlertest.Settings) { s.ClusterNamespace = handlertest.Namespace },
		After:    authority.Certificate.NotAfter.Sub(handlertest.Now) + time.Second,
		Writes:   []string{"update clusterissuers/status root"},
		Events:   []string{"ClusterIssuer/root Normal KeyPairVerified: "},
	}.Run(t)
}

func TestTypeOf(t *testing.T) {
	t.Parallel()
	for want, c := range map[issuers.Type]cmapi.IssuerConfig{
		issuers.SelfSigned: {SelfSigned: &cmapi.SelfSignedIssuer{}}, issuers.CA: {CA: &cmapi.CAIssuer{}},
		issuers.Vault: {Vault: &cmapi.VaultIssuer{}}, issuers.Venafi: {Venafi: &cmapi.VenafiIssuer{}},
	} {
		if got, err := issuers.TypeOf(&cmapi.IssuerSpec{IssuerConfig: c}); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}
