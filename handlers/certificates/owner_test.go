package certificates_test

import (
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// rival is another Certificate for the Secret of the fixture.
func rival(name string, age time.Duration) *cmapi.Certificate {
	return handlertest.Web(func(crt *cmapi.Certificate) {
		crt.Name, crt.UID = name, types.UID("uid-"+name)
		crt.CreationTimestamp = metav1.NewTime(crt.CreationTimestamp.Add(-age))
	})
}

// refused is what a Certificate says whose Secret is another's.
func refused(t *testing.T, w *handlertest.World, name, owner string) {
	t.Helper()
	crt := w.Certificate(name)
	want := `spec.secretName: Secret "web-tls" belongs to Certificate "` + owner + `": choose another name, or delete one of the two`
	if len(crt.Status.Conditions) != 1 {
		t.Fatalf("conditions of %s: got %+v, want Ready alone", name, crt.Status.Conditions)
	}
	if c := crt.Status.Conditions[0]; c.Status != "False" || c.Reason != "IncorrectCertificate" || c.Message != want {
		t.Errorf("Ready of %s: got %+v", name, c)
	}
	if crt.Status.NotAfter != nil || crt.Status.RenewalTime != nil {
		t.Errorf("status of %s: it has the dates of another's certificate: %+v", name, crt.Status)
	}
}

// Two Certificates name one Secret: one has it, the other says so, and they do
// not take it from each other for ever.
func TestTwoCertificatesOnOneSecret(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		first, second *cmapi.Certificate
		owner, loser  string
	}{
		"the elder has it":                        {rival("web", 0), rival("elder", time.Hour), "elder", "web"},
		"of one age, the first by name":           {rival("web", 0), rival("abc", 0), "abc", "web"},
		"the other way round, it is all the same": {rival("zzz", 0), rival("web", 0), "web", "zzz"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := handlertest.AtRest(t)
			w := handlertest.New(t, f.Issuer, f.CASecret, row.first, row.second)
			p := w.Start(handlertest.Defaults())
			p.Settle()
			if diff := cmp.Diff([]string{row.owner + "-1"}, w.Requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if n := len(w.Writes); n != 5 {
				t.Errorf("got %d writes, want 4 for the one and a status for the other:\n%q", n, w.Writes)
			}
			if got := w.Secret("web-tls").Annotations["cert-manager.io/certificate-name"]; got != row.owner {
				t.Errorf("the Secret belongs to %q, want %q", got, row.owner)
			}
			refused(t, w, row.loser, row.owner)
		})
	}
}

// Whom the Secret belongs to already has it, also against an elder.
func TestTheSecretNamesItsCertificate(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	w.Create(rival("elder", time.Hour))
	p.Settle()
	w.Wrote("update certificates/status elder")
	w.Told("Certificate/elder Warning IncorrectCertificate: spec.secretName: ")
	refused(t, w, "elder", "web")
	w.Forget()
	p.Settle()
	w.Start(handlertest.Defaults()).Settle()
	w.Wrote()

	// The one that has it goes: the other takes over, and issues anew, because
	// what is stored was issued for another.
	handlertest.Delete[*cmapi.Certificate](w, "web")
	w.CollectGarbage()
	p.Settle()
	w.Wrote(
		"create certificaterequests elder-1",
		"update certificaterequests/status elder-1",
		"apply secrets web-tls",
		"update certificates/status elder",
	)
	w.Told(`Certificate/elder Normal Issuing: Issuing certificate as Secret was issued for Certificate "web"`,
		"CertificateRequest/elder-1 Normal CertificateIssued: ", "Certificate/elder Normal Issuing: ")
	if got := w.Secret("web-tls").Annotations["cert-manager.io/certificate-name"]; got != "elder" {
		t.Errorf("the Secret belongs to %q, want elder", got)
	}
}

// The one that has it looks elsewhere: the other may have it.
func TestTheOwnerLooksElsewhere(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	w.Create(rival("younger", -time.Hour))
	p.Settle()
	refused(t, w, "younger", "web")
	edit(w, func(s *cmapi.CertificateSpec) { s.SecretName = "web-new" })
	p.Settle()
	for _, secret := range []string{"web-tls", "web-new"} {
		served(t, w.Secret(secret))
	}
	if got := w.Secret("web-tls").Annotations["cert-manager.io/certificate-name"]; got != "younger" {
		t.Errorf("the Secret belongs to %q, want younger", got)
	}
}

// Somebody asks for a renewal of one that has no Secret of its own: the wish
// is taken back, with the reason.
func TestARenewalOfOneWithoutASecret(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	w.Create(rival("elder", time.Hour))
	p.Settle()
	w.Forget()
	handlertest.EditStatus(w, "elder", handlertest.ManuallyTriggered)
	p.Settle()
	w.Wrote("update certificates/status elder")
	refused(t, w, "elder", "web")
}

// The requests and keys of a Certificate that was deleted are not taken for
// those of its namesake; until they are collected the names are in use.
func TestANamesake(t *testing.T) {
	t.Parallel()
	w, _, _ := settled(t)
	handlertest.Delete[*cmapi.Certificate](w, "web")
	handlertest.Delete[*corev1.Secret](w, "web-tls")
	w.Create(rival("web", 0))
	handlertest.Delete[*cmapi.Certificate](w, "web")
	namesake := rival("web", 0)
	namesake.UID = "uid-namesake"
	w.Create(namesake)
	p := w.Start(handlertest.Defaults())
	if result, err := p.Handle(handlertest.CertificateKey("web")); err != nil || result.After != 2*time.Second {
		t.Errorf("the old request is in the way: got %v, %v; want another look in two seconds", result, err)
	}
	w.Wrote()
	w.CollectGarbage()
	w.Forget()
	p.Settle()
	w.Wrote("create certificaterequests web-1", "update certificaterequests/status web-1", "apply secrets web-tls", "update certificates/status web")
	isReady(t, w, 1, "ca-pair")
}
