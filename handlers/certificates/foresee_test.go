package certificates_test

import (
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// What is foreseen is what then happens, for each way it may be.
func TestForesee(t *testing.T) {
	t.Parallel()
	issuing := func(crt *cmapi.Certificate) {
		crt.Status.Conditions = append(crt.Status.Conditions, cmapi.CertificateCondition{Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue})
	}
	for name, row := range map[string]struct {
		change func(*handlertest.Fixture)
		want   certificates.Outlook
		why    string
	}{
		"at rest":            {func(*handlertest.Fixture) {}, certificates.Stays, ""},
		"a label is gone":    {func(f *handlertest.Fixture) { f.Secret.Labels = nil }, certificates.Dresses, ""},
		"an older status":    {func(f *handlertest.Fixture) { f.Certificate.Status.NotBefore = nil }, certificates.Tells, ""},
		"another name":       {func(f *handlertest.Fixture) { f.Certificate.Spec.DNSNames = []string{"other.example.com"} }, certificates.Reissues, "Fields on existing CertificateRequest resource not up to date: spec.dnsNames"},
		"the Secret is gone": {func(f *handlertest.Fixture) { f.Secret = nil }, certificates.Reissues, "Issuing certificate as Secret does not exist"},
		"asked for":          {func(f *handlertest.Fixture) { issuing(f.Certificate) }, certificates.Renews, ""},
		"due": {func(f *handlertest.Fixture) {
			f.Certificate.Spec.RenewBefore = &metav1.Duration{Duration: 89 * 24 * time.Hour}
		}, certificates.Renews, "Renewing certificate as renewal was scheduled at"},
		"new": {func(f *handlertest.Fixture) {
			f.Secret, f.Request = nil, nil
			f.Certificate.Status = cmapi.CertificateStatus{}
		}, certificates.Issues, "Issuing certificate as Secret does not exist"},
		"an impossible spec":  {func(f *handlertest.Fixture) { f.Certificate.Spec.IPAddresses = []string{"nonsense"} }, certificates.Refused, "spec.ipAddresses"},
		"failed a moment ago": {failedNow, certificates.Waits, ""},
		"half-way, key is lost": {func(f *handlertest.Fixture) {
			f.Secret, f.Certificate.Status = nil, cmapi.CertificateStatus{}
			issuing(f.Certificate)
			f.Request.Status = cmapi.CertificateRequestStatus{}
		}, certificates.Restarts, "the private key of CertificateRequest web-1 is not to be had"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := handlertest.AtRest(t)
			row.change(f)
			objects := []runtime.Object{f.Issuer, f.CASecret, f.Certificate}
			if f.Secret != nil {
				objects = append(objects, f.Secret)
			}
			if f.Request != nil {
				objects = append(objects, f.Request)
			}
			w := handlertest.New(t, objects...)
			handler, _ := w.Start(handlertest.Defaults()).Handlers[queue.Certificate].(*certificates.Handler)
			w.Refresh()
			got, err := handler.Foresee(t.Context(), w.Cache.Certificate("team", "web"))
			if err != nil {
				t.Fatal(err)
			}
			if got.Outlook != row.want || !strings.HasPrefix(got.Why, row.why) {
				t.Errorf("got %+v, want %s: %s", got, row.want, row.why)
			}
			w.Wrote()
		})
	}
}

func failedNow(f *handlertest.Fixture) {
	attempts, at := 1, metav1.NewTime(handlertest.Now)
	f.Secret, f.Request = nil, nil
	f.Certificate.Status = cmapi.CertificateStatus{LastFailureTime: &at, FailedIssuanceAttempts: &attempts}
}
