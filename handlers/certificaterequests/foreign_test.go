package certificaterequests_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// foreign is a request that somebody else made, as istio-csr or csi-driver
// do, with a CSR of crypto/x509; edit changes it.
func foreign(csr []byte, edit ...func(*cmapi.CertificateRequest)) *cmapi.CertificateRequest {
	cr := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: "foreign"},
		Spec: cmapi.CertificateRequestSpec{
			Request: csr, IssuerRef: cmmeta.IssuerReference{Name: "ca", Kind: "Issuer", Group: "cert-manager.io"},
			Username: "system:serviceaccount:istio:csr", UID: "1", Groups: []string{"system:authenticated"},
		},
	}
	for _, e := range edit {
		e(cr)
	}
	return cr
}

// wantConditions compares the conditions of the request "foreign", written
// "Type=Status/Reason", and returns the message of the last one.
func wantConditions(t *testing.T, w *handlertest.World, want ...string) string {
	t.Helper()
	var got []string
	var message string
	for _, c := range w.Request("foreign").Status.Conditions {
		got, message = append(got, string(c.Type)+"="+string(c.Status)+"/"+c.Reason), c.Message
		if c.LastTransitionTime == nil || !c.LastTransitionTime.Time.Equal(handlertest.Now.Truncate(time.Second)) {
			t.Errorf("%s: lastTransitionTime %v", c.Type, c.LastTransitionTime)
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	return message
}

const oneStatus = "update certificaterequests/status foreign"

// A request that somebody else made is approved and signed in one write, and
// the certificate is what the CSR asks for.
func TestAForeignRequestIsSigned(t *testing.T) {
	t.Parallel()
	f := handlertest.AtRest(t)
	spiffe, err := url.Parse("spiffe://cluster.local/ns/team/sa/web")
	if err != nil {
		t.Fatal(err)
	}
	csr := handlertest.CSR(t, handlertest.NewKey(t), func(r *x509.CertificateRequest) {
		r.Subject, r.ExtraExtensions = pkix.Name{CommonName: "web", Organization: []string{"Shop"}}, nil
		r.URIs, r.IPAddresses = []*url.URL{spiffe}, []net.IP{net.IPv4(192, 0, 2, 1)}
	})
	handlertest.Row{
		Objects: []runtime.Object{f.Issuer, f.CASecret, foreign(csr, func(cr *cmapi.CertificateRequest) {
			cr.Spec.Duration, cr.Spec.Usages = &metav1.Duration{Duration: time.Hour}, []cmapi.KeyUsage{"server auth", "client auth", "digital signature"}
		})},
		Key: handlertest.RequestKey("foreign"), Writes: []string{oneStatus},
		Events: []string{"CertificateRequest/foreign Normal CertificateIssued: Certificate fetched from issuer successfully"},
		Check: func(t *testing.T, w *handlertest.World) {
			wantConditions(t, w, "Approved=True/cert-manager.io", "Ready=True/Issued")
			status := w.Request("foreign").Status
			if !bytes.Equal(status.CA, f.CA.PEM) || status.FailureTime != nil {
				t.Errorf("ca and failureTime: got %s, %v", status.CA, status.FailureTime)
			}
			leaf := handlertest.Leaf(t, status.Certificate)
			if err := leaf.CheckSignatureFrom(f.CA.Certificate); err != nil {
				t.Error(err)
			}
			if leaf.URIs[0].String() != spiffe.String() || leaf.IPAddresses[0].String() != "192.0.2.1" || leaf.Subject.String() != "CN=web,O=Shop" {
				t.Errorf("names: got %s, %v, %v", leaf.Subject, leaf.URIs, leaf.IPAddresses)
			}
			if diff := cmp.Diff([]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, leaf.ExtKeyUsage); diff != "" {
				t.Errorf("usages (-want +got):\n%s", diff)
			}
			if end := handlertest.Now.Add(time.Hour).Truncate(time.Second); !leaf.NotAfter.Equal(end) || leaf.IsCA {
				t.Errorf("it ends %s, want %s; CA %t", leaf.NotAfter, end, leaf.IsCA)
			}
		},
	}.Run(t)
}

// broken is a PEM block with one byte of its content changed, from the end.
func broken(text []byte, fromEnd int) []byte {
	b, _ := pem.Decode(text)
	b.Bytes[len(b.Bytes)-fromEnd] ^= 0xff
	return pem.EncodeToMemory(b)
}

// A request that must not be signed ends at once, with a message that names
// the field, its fault and the remedy, and is never tried again.
func TestABadRequestEnds(t *testing.T) {
	t.Parallel()
	key := handlertest.NewKey(t)
	good := handlertest.CSR(t, key)
	with := func(extensions ...pkix.Extension) []byte {
		return handlertest.CSR(t, key, func(r *x509.CertificateRequest) { r.ExtraExtensions = extensions })
	}
	usages := func(u ...cmapi.KeyUsage) func(*cmapi.CertificateRequest) {
		return func(cr *cmapi.CertificateRequest) { cr.Spec.Usages = u }
	}
	for name, row := range map[string]struct {
		request *cmapi.CertificateRequest
		message []string
	}{
		"no CSR":        {foreign(nil), []string{"spec.request: ", "no PEM block found", "create a new request"}},
		"garbage":       {foreign([]byte("garbage")), []string{"spec.request: ", "no PEM block found"}},
		"half a PEM":    {foreign(good[:120]), []string{"spec.request: ", "damaged"}},
		"a certificate": {foreign(handlertest.NewAuthority(t, "x").PEM), []string{"spec.request: ", `is a "CERTIFICATE"`}},
		"two CSRs":      {foreign(append(append([]byte{}, good...), good...)), []string{"spec.request: ", "something follows"}},
		"bad signature": {foreign(broken(good, 3)), []string{"spec.request: ", "signature was not made by its own key"}},
		"damaged DER":   {foreign(broken(good, 200)), []string{"spec.request: "}},
		"a megabyte":    {foreign(bytes.Repeat([]byte("A"), 1<<20)), []string{"spec.request: ", "too large: 1048576 bytes"}},
		"a long PEM":    {foreign([]byte("-----BEGIN CERTIFICATE REQUEST-----\n" + strings.Repeat("A", 1<<20) + "\n-----END CERTIFICATE REQUEST-----\n")), []string{"spec.request: ", "too large"}},
		"other usages":  {foreign(good, usages("server auth", "digital signature")), []string{"spec.usages: ", "digital signature, key encipherment", "make them agree"}},
		"cert sign":     {foreign(with(handlertest.CertSignExtension)), []string{"spec.usages: ", "cert sign"}},
		"unknown usage": {foreign(with(), usages("serving")), []string{`spec.usages[0]: "serving" is not a usage: use one of the names`}},
		"CA by stealth": {foreign(with(handlertest.CAExtension)), []string{"spec.isCA: it is false, but the basic constraints of the CSR in spec.request say true: make them agree"}},
		"no lifetime":   {foreign(good, func(cr *cmapi.CertificateRequest) { cr.Spec.Duration = &metav1.Duration{Duration: -time.Hour} }), []string{"spec.duration: ", "use a positive duration"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := handlertest.AtRest(t)
			handlertest.Row{
				Objects: []runtime.Object{f.Issuer, f.CASecret, row.request},
				Key:     handlertest.RequestKey("foreign"), Writes: []string{oneStatus},
				Events: []string{"CertificateRequest/foreign Warning Failed: "},
				Check: func(t *testing.T, w *handlertest.World) {
					message := wantConditions(t, w, "InvalidRequest=True/BadRequest", "Ready=False/Failed")
					for _, part := range row.message {
						if !strings.Contains(message, part) {
							t.Errorf("message: got %q, want %q in it", message, part)
						}
					}
					if len(message) > 1000 {
						t.Errorf("message: it has %d characters", len(message))
					}
					status := w.Request("foreign").Status
					if status.FailureTime == nil || len(status.Certificate) > 0 {
						t.Errorf("status: got %+v, want a failureTime and no certificate", status)
					}
				},
			}.Run(t)
		})
	}
}

// The CSR's own extensions may agree with the spec, or say nothing.
func TestAgreeingRequestsAreSigned(t *testing.T) {
	t.Parallel()
	key := handlertest.NewKey(t)
	with := func(extensions ...pkix.Extension) []byte {
		return handlertest.CSR(t, key, func(r *x509.CertificateRequest) { r.ExtraExtensions = extensions })
	}
	isCA := func(cr *cmapi.CertificateRequest) { cr.Spec.IsCA, cr.Spec.Usages = true, []cmapi.KeyUsage{"cert sign"} }
	for name, request := range map[string]*cmapi.CertificateRequest{
		"no extensions":         foreign(with()),
		"default usages":        foreign(with(handlertest.KeyUsageExtension)),
		"a CA":                  foreign(with(handlertest.CAExtension, handlertest.CertSignExtension), isCA),
		"a CA by the spec only": foreign(with(), isCA),
		"an RSA key":            foreign(handlertest.CSR(t, handlertest.RSAKey())),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := handlertest.AtRest(t)
			handlertest.Row{
				Objects: []runtime.Object{f.Issuer, f.CASecret, request}, Key: handlertest.RequestKey("foreign"),
				Writes: []string{oneStatus}, Events: []string{"CertificateRequest/foreign Normal CertificateIssued: "},
				Check: func(t *testing.T, w *handlertest.World) {
					wantConditions(t, w, "Approved=True/cert-manager.io", "Ready=True/Issued")
					if leaf := handlertest.Leaf(t, w.Request("foreign").Status.Certificate); leaf.IsCA != request.Spec.IsCA {
						t.Errorf("CA: got %t, want %t", leaf.IsCA, request.Spec.IsCA)
					}
				},
			}.Run(t)
		})
	}
}
