package signingrequests

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	certificatesv1 "k8s.io/api/certificates/v1"
)

func seconds(n int32) edit {
	return func(csr *certificatesv1.CertificateSigningRequest) { csr.Spec.ExpirationSeconds = &n }
}

func TestDurations(t *testing.T) {
	t.Parallel()
	const annotation = "experimental.cert-manager.io/request-duration"
	for name, row := range map[string]struct {
		edits  []edit
		want   time.Duration
		reason string
		begins string
	}{
		"none":                   {nil, 90 * 24 * time.Hour, "", ""},
		"annotation":             {[]edit{annotated(annotation, "24h")}, 24 * time.Hour, "", ""},
		"fractions":              {[]edit{annotated(annotation, "1.5h30m")}, 2 * time.Hour, "", ""},
		"spec":                   {[]edit{seconds(3600)}, time.Hour, "", ""},
		"annotation over spec":   {[]edit{seconds(3600), annotated(annotation, "24h")}, 24 * time.Hour, "", ""},
		"the least":              {[]edit{annotated(annotation, "600s")}, 10 * time.Minute, "", ""},
		"the least of the spec":  {[]edit{seconds(600)}, 10 * time.Minute, "", ""},
		"too short":              {[]edit{annotated(annotation, "599.999s")}, 0, "InvalidDuration", "metadata.annotations[experimental.cert-manager.io/request-duration]: 9m59.999s is too short: make a new request for at least 10m0s"},
		"zero":                   {[]edit{annotated(annotation, "0")}, 0, "InvalidDuration", "metadata.annotations["},
		"negative":               {[]edit{annotated(annotation, "-24h")}, 0, "InvalidDuration", "metadata.annotations["},
		"spec too short":         {[]edit{seconds(599)}, 0, "InvalidDuration", "spec.expirationSeconds: 9m59s is too short"},
		"too short over spec":    {[]edit{seconds(3600), annotated(annotation, "1s")}, 0, "InvalidDuration", "metadata.annotations["},
		"no unit":                {[]edit{annotated(annotation, "3600")}, 0, "ErrorParseDuration", `metadata.annotations[experimental.cert-manager.io/request-duration]: "3600" is not a duration: make a new request with one such as 720h or 30m`},
		"days":                   {[]edit{annotated(annotation, "90d")}, 0, "ErrorParseDuration", "metadata.annotations["},
		"words":                  {[]edit{annotated(annotation, "for ever")}, 0, "ErrorParseDuration", "metadata.annotations["},
		"empty":                  {[]edit{annotated(annotation, "")}, 0, "ErrorParseDuration", "metadata.annotations["},
		"empty over spec":        {[]edit{seconds(3600), annotated(annotation, "")}, 0, "ErrorParseDuration", "metadata.annotations["},
		"longer than time lasts": {[]edit{annotated(annotation, "9999999999h")}, 0, "ErrorParseDuration", "metadata.annotations["},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cr, fault := asked(request(t, issuerSigner, row.edits...))
			expectFault(t, fault, row.reason, row.begins)
			if fault == nil && cr.Spec.Duration.Duration != row.want {
				t.Errorf("got %s, want %s", cr.Spec.Duration.Duration, row.want)
			}
		})
	}
}

func expectFault(t *testing.T, fault *Fail, reason, begins string) {
	t.Helper()
	if fault == nil {
		fault = &Fail{}
	}
	if fault.Reason != reason || !strings.HasPrefix(fault.Message, begins) {
		t.Errorf("fault: got %s: %s\nwant %s: %s...", fault.Reason, fault.Message, reason, begins)
	}
}

// What a stranger wrote is not passed on at any length.
func TestFaultsAreShort(t *testing.T) {
	t.Parallel()
	for _, annotation := range []string{durationAnnotation, isCAAnnotation} {
		_, fault := asked(request(t, issuerSigner, annotated(annotation, strings.Repeat("x", 100_000))))
		if fault == nil || len(fault.Message) > 300 {
			t.Errorf("%s: got %v", annotation, fault)
		}
	}
}

func TestCAs(t *testing.T) {
	t.Parallel()
	const annotation = "experimental.cert-manager.io/request-is-ca"
	asCA := func(csr *x509.CertificateRequest) {
		csr.ExtraExtensions = append(csr.ExtraExtensions[:0:0], handlertest.CAExtension)
	}
	for name, row := range map[string]struct {
		edits  []edit
		want   bool
		reason string
		begins string
	}{
		"none":  {nil, false, "", ""},
		"false": {[]edit{annotated(annotation, "false")}, false, "", ""},
		"empty": {[]edit{annotated(annotation, "")}, false, "", ""},
		"true":  {[]edit{plain(t), annotated(annotation, "true")}, true, "", ""},
		"True":  {[]edit{annotated(annotation, "True")}, false, "SigningError", `metadata.annotations[experimental.cert-manager.io/request-is-ca]: "True" is neither "true" nor "false": make a new request with one of them`},
		"1":     {[]edit{annotated(annotation, "1")}, false, "SigningError", "metadata.annotations["},
		"only in the CSR": {[]edit{carrying(handlertest.CSR(t, handlertest.NewKey(t), asCA))}, false, "SigningError",
			"metadata.annotations[experimental.cert-manager.io/request-is-ca]: it is false, but the basic constraints of the CSR in spec.request say true"},
		"in both": {[]edit{carrying(handlertest.CSR(t, handlertest.NewKey(t), asCA)), annotated(annotation, "true")}, true, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cr, fault := asked(request(t, issuerSigner, row.edits...))
			expectFault(t, fault, row.reason, row.begins)
			if fault == nil && cr.Spec.IsCA != row.want {
				t.Errorf("got %t", cr.Spec.IsCA)
			}
		})
	}
}

func carrying(csr []byte) edit {
	return func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Request = csr }
}

// plain is a CSR without usages of its own, which agrees with any.
func plain(t *testing.T) edit {
	return carrying(handlertest.CSR(t, handlertest.NewKey(t), func(csr *x509.CertificateRequest) { csr.ExtraExtensions = nil }))
}

// Every usage of the Kubernetes API has its name in ours.
func TestUsages(t *testing.T) {
	t.Parallel()
	all := []certificatesv1.KeyUsage{
		certificatesv1.UsageSigning, certificatesv1.UsageDigitalSignature, certificatesv1.UsageContentCommitment,
		certificatesv1.UsageKeyEncipherment, certificatesv1.UsageKeyAgreement, certificatesv1.UsageDataEncipherment,
		certificatesv1.UsageCertSign, certificatesv1.UsageCRLSign, certificatesv1.UsageEncipherOnly,
		certificatesv1.UsageDecipherOnly, certificatesv1.UsageAny, certificatesv1.UsageServerAuth,
		certificatesv1.UsageClientAuth, certificatesv1.UsageCodeSigning, certificatesv1.UsageEmailProtection,
		certificatesv1.UsageSMIME, certificatesv1.UsageIPsecEndSystem, certificatesv1.UsageIPsecTunnel,
		certificatesv1.UsageIPsecUser, certificatesv1.UsageTimestamping, certificatesv1.UsageOCSPSigning,
		certificatesv1.UsageMicrosoftSGC, certificatesv1.UsageNetscapeSGC,
	}
	for _, usage := range all {
		cr, fault := asked(request(t, issuerSigner, plain(t), func(csr *certificatesv1.CertificateSigningRequest) {
			csr.Spec.Usages = []certificatesv1.KeyUsage{usage}
		}))
		if fault != nil {
			t.Errorf("%s: %v", usage, fault)
			continue
		}
		if diff := cmp.Diff([]cmapi.KeyUsage{cmapi.KeyUsage(usage)}, cr.Spec.Usages); diff != "" {
			t.Errorf("usages (-want +got):\n%s", diff)
		}
	}
}

func TestUnfitRequests(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		edit   edit
		begins string
	}{
		"no PEM":    {carrying([]byte("hello")), "spec.request: certificate request: no PEM block found"},
		"damaged":   {carrying([]byte("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n")), "spec.request: "},
		"nothing":   {carrying(nil), "spec.request: "},
		"too large": {carrying([]byte(strings.Repeat("x", 100_000))), "spec.request: certificate request: too large"},
		"unknown usage": {func(r *certificatesv1.CertificateSigningRequest) {
			r.Spec.Usages = []certificatesv1.KeyUsage{"world peace"}
		},
			`spec.usages[0]: "world peace" is not a usage`},
		"usages that differ": {func(r *certificatesv1.CertificateSigningRequest) {
			r.Spec.Usages = []certificatesv1.KeyUsage{"cert sign"}
		},
			"spec.usages: the CSR in spec.request has the key usages [digital signature, key encipherment], but spec.usages and " +
				"metadata.annotations[experimental.cert-manager.io/request-is-ca] stand for [cert sign]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, fault := asked(request(t, issuerSigner, row.edit))
			expectFault(t, fault, "SigningError", row.begins)
		})
	}
}

// Whatever stands in the annotations, the answer is a certificate's terms
// within bounds or a fault with its words.
func FuzzAnnotations(f *testing.F) {
	for _, seed := range [][2]string{{"24h", "true"}, {"", ""}, {"-1ns", "yes"}, {"1h1h1h", "\x00"}, {"9223372036s", "false"}, {"1e9h", "true\n"}} {
		f.Add(seed[0], seed[1])
	}
	csr := request(f, issuerSigner)
	csr.Spec.Request = handlertest.CSR(f, handlertest.NewKey(f), func(csr *x509.CertificateRequest) { csr.ExtraExtensions = nil })
	f.Fuzz(func(t *testing.T, duration, isCA string) {
		csr := csr.DeepCopy()
		csr.Annotations = map[string]string{durationAnnotation: duration, isCAAnnotation: isCA}
		cr, fault := asked(csr)
		switch {
		case fault == nil && (cr.Spec.Duration.Duration < 10*time.Minute || cr.Spec.IsCA != (isCA == "true")):
			t.Errorf("asked for %s, CA %t", cr.Spec.Duration.Duration, cr.Spec.IsCA)
		case fault != nil && (fault.Reason == "" || !strings.HasPrefix(fault.Message, "metadata.annotations[") || len(fault.Message) > 400):
			t.Errorf("fault: %+v", fault)
		}
	})
}
