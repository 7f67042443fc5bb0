package admission

import (
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// spec edits the spec of a Certificate.
type spec = func(*cmapi.CertificateSpec)

// certificate is one that nothing is wrong with, but for the edits.
func certificate(edits ...spec) *cmapi.Certificate {
	crt := &cmapi.Certificate{
		TypeMeta:   metav1.TypeMeta{APIVersion: "cert-manager.io/v1", Kind: "Certificate"},
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace},
		Spec: cmapi.CertificateSpec{
			SecretName: "web", DNSNames: []string{"www.example.com"}, IssuerRef: cmmeta.IssuerReference{Name: "root"},
		},
	}
	for _, edit := range edits {
		edit(&crt.Spec)
	}
	return crt
}

// crt is the case of a new Certificate. Without a field it is accepted.
func crt(name, field string, edit spec) Case {
	return Case{Name: "Certificate: " + name, Field: field, New: certificate(edit)}
}

func hours(n float64) *metav1.Duration {
	return &metav1.Duration{Duration: time.Duration(n * float64(time.Hour))}
}

// raw is a new Certificate with something that Go's types cannot hold.
func raw(name, field string, edit func(spec map[string]any)) Case {
	return Case{Name: "Certificate: " + name, Field: field, New: certificate(), Only: Server, Because: "Go's types cannot hold it",
		Raw: func(object map[string]any) { edit(object["spec"].(map[string]any)) }}
}

func certificates() []Case {
	return []Case{
		crt("a plain one", "", func(*cmapi.CertificateSpec) {}),
		{Name: "Certificate: no spec", Field: "spec", New: certificate(), Only: Server, Because: "Go's types cannot hold it",
			Raw: func(object map[string]any) { delete(object, "spec") }},

		crt("no secretName", "spec.secretName", func(s *cmapi.CertificateSpec) { s.SecretName = "" }),
		crt("secretName that no Secret has", "spec.secretName", func(s *cmapi.CertificateSpec) { s.SecretName = "No_Such" }),
		crt("secretName too long", "spec.secretName", func(s *cmapi.CertificateSpec) { s.SecretName = strings.Repeat("a", 254) }),
		crt("secretName of two parts", "", func(s *cmapi.CertificateSpec) { s.SecretName = "web.tls-1" }),
		crt("no issuer", "spec.issuerRef.name", func(s *cmapi.CertificateSpec) { s.IssuerRef.Name = "" }),
		crt("unknown kind of our group", "spec.issuerRef.kind", func(s *cmapi.CertificateSpec) { s.IssuerRef.Kind = "WidgetIssuer" }),
		crt("unknown kind, our group named", "spec.issuerRef.kind", func(s *cmapi.CertificateSpec) { s.IssuerRef.Kind, s.IssuerRef.Group = "Issuers", "cert-manager.io" }),
		crt("ClusterIssuer", "", func(s *cmapi.CertificateSpec) {
			s.IssuerRef.Kind, s.IssuerRef.Group = "ClusterIssuer", "cert-manager.io"
		}),
		crt("external issuer", "", func(s *cmapi.CertificateSpec) { s.IssuerRef.Kind, s.IssuerRef.Group = "WidgetIssuer", "example.com" }),

		crt("duration too short", "spec.duration", func(s *cmapi.CertificateSpec) { s.Duration = hours(0.99) }),
		crt("duration of a minus", "spec.duration", func(s *cmapi.CertificateSpec) { s.Duration = hours(-5) }),
		crt("shortest duration", "", func(s *cmapi.CertificateSpec) { s.Duration = hours(1) }),
		raw("duration of a day", "spec.duration", func(s map[string]any) { s["duration"] = "90d" }),
		raw("duration without a unit", "spec.duration", func(s map[string]any) { s["duration"] = "90" }),
		raw("renewBefore that is no duration", "spec.renewBefore", func(s map[string]any) { s["renewBefore"] = "soon" }),
		crt("renewBefore too short", "spec.renewBefore", func(s *cmapi.CertificateSpec) { s.RenewBefore = hours(0.08) }),
		crt("renewBefore of the whole duration", "spec.renewBefore", func(s *cmapi.CertificateSpec) { s.Duration, s.RenewBefore = hours(2), hours(2) }),
		crt("renewBefore of the default duration", "spec.renewBefore", func(s *cmapi.CertificateSpec) { s.RenewBefore = hours(2160) }),
		crt("renewBefore of half the duration", "", func(s *cmapi.CertificateSpec) { s.Duration, s.RenewBefore = hours(2), hours(1) }),
		crt("both ways to say when", "spec.renewBeforePercentage", func(s *cmapi.CertificateSpec) { s.RenewBefore, s.RenewBeforePercentage = hours(1), ptr.To[int32](10) }),
		crt("0 percent", "spec.renewBeforePercentage", func(s *cmapi.CertificateSpec) { s.RenewBeforePercentage = ptr.To[int32](0) }),
		crt("100 percent", "spec.renewBeforePercentage", func(s *cmapi.CertificateSpec) { s.RenewBeforePercentage = ptr.To[int32](100) }),
		crt("8 percent of an hour", "spec.renewBeforePercentage", func(s *cmapi.CertificateSpec) { s.Duration, s.RenewBeforePercentage = hours(1), ptr.To[int32](8) }),
		crt("9 percent of an hour", "", func(s *cmapi.CertificateSpec) { s.Duration, s.RenewBeforePercentage = hours(1), ptr.To[int32](9) }),

		crt("unknown renewal policy", "spec.renewal.policy", func(s *cmapi.CertificateSpec) { s.Renewal = &cmapi.CertificateRenewal{Policy: "Never"} }),
		crt("no renewal", "", func(s *cmapi.CertificateSpec) { s.Renewal = &cmapi.CertificateRenewal{Policy: "Disabled"} }),
		crt("windows for no renewal", "spec.renewal.windows", func(s *cmapi.CertificateSpec) {
			s.Renewal = &cmapi.CertificateRenewal{Policy: "Disabled", Windows: []cmapi.CertificateRenewalWindows{{Cron: "0 2 * * *", WindowDuration: hours(1)}}}
		}),
		window("a window", "", cmapi.CertificateRenewalWindows{Cron: "30 2,3 * JAN-JUN 1-5", WindowDuration: hours(1.5), Timezone: "Europe/Berlin"}),
		window("cron of four fields", "spec.renewal.windows[1].cron", cmapi.CertificateRenewalWindows{Cron: "0 2 * *", WindowDuration: hours(1)}),
		window("cron of six fields", "spec.renewal.windows[1].cron", cmapi.CertificateRenewalWindows{Cron: "0 0 2 * * *", WindowDuration: hours(1)}),
		window("cron with an empty entry", "spec.renewal.windows[1].cron", cmapi.CertificateRenewalWindows{Cron: "0, 2 * * *", WindowDuration: hours(1)}),
		window("cron with its own time zone", "spec.renewal.windows[1].cron", cmapi.CertificateRenewalWindows{Cron: "TZ=UTC 0 2 * *", WindowDuration: hours(1)}),
		onlyRules("CEL does not read the numbers", window("cron of the hour 25", "spec.renewal.windows[1].cron", cmapi.CertificateRenewalWindows{Cron: "0 25 * * *", WindowDuration: hours(1)})),
		onlyRules("CEL does not read the numbers", window("cron of a date that never comes", "spec.renewal.windows[1].cron", cmapi.CertificateRenewalWindows{Cron: "0 0 30 2 *", WindowDuration: hours(1)})),
		onlyRules("CEL knows no time zones", window("unknown time zone", "spec.renewal.windows[1].timezone", cmapi.CertificateRenewalWindows{Cron: "0 2 * * *", WindowDuration: hours(1), Timezone: "Europe/Atlantis"})),
		window("window of no time", "spec.renewal.windows[1].windowDuration", cmapi.CertificateRenewalWindows{Cron: "0 2 * * *", WindowDuration: hours(0)}),

		crt("no old request kept", "spec.revisionHistoryLimit", func(s *cmapi.CertificateSpec) { s.RevisionHistoryLimit = ptr.To[int32](0) }),
		crt("one old request kept", "", func(s *cmapi.CertificateSpec) { s.RevisionHistoryLimit = ptr.To[int32](1) }),

		updated("an old fault, other metadata", "", func(s *cmapi.CertificateSpec) { s.Duration = hours(0.5) }, nil),
		updated("an old fault, other spec", "spec.duration", func(s *cmapi.CertificateSpec) { s.Duration = hours(0.5) }, func(s *cmapi.CertificateSpec) { s.SecretName = "other" }),
		updated("an old fault, mended", "", func(s *cmapi.CertificateSpec) { s.Duration = hours(0.5) }, func(s *cmapi.CertificateSpec) { s.Duration = hours(1) }),
		updated("a new fault", "spec.duration", nil, func(s *cmapi.CertificateSpec) { s.Duration = hours(0.5) }),
	}
}

// window is the case of a second renewal window.
func window(name, field string, w cmapi.CertificateRenewalWindows) Case {
	return crt(name, field, func(s *cmapi.CertificateSpec) {
		first := cmapi.CertificateRenewalWindows{Cron: "0 1 * * *", WindowDuration: hours(1)}
		s.Renewal = &cmapi.CertificateRenewal{Windows: []cmapi.CertificateRenewalWindows{first, w}}
	})
}

// onlyRules marks what the policies must let through.
func onlyRules(because string, c Case) Case {
	c.Only, c.Because = Rules, because
	return c
}

// onlyServer marks what the Go rules let through.
func onlyServer(because string, c Case) Case {
	c.Only, c.Because = Server, because
	return c
}

// updated is the case of a Certificate that is edited twice: before there were
// rules, and now. Its finalizers change in any case.
func updated(name, field string, old, edit spec) Case {
	before, after := certificate(), certificate()
	for _, e := range []spec{old, edit} {
		if e != nil {
			e(&after.Spec)
		}
	}
	if old != nil {
		old(&before.Spec)
	}
	before.Finalizers = []string{"example.com/finalizer"}
	return Case{Name: "Certificate: " + name, Field: field, Old: before, New: after}
}
