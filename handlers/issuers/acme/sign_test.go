package acme_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/certificaterequests"
	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/acme/acmetest"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// asked is a request in PEM.
func asked(t *testing.T, key crypto.Signer, edit ...func(*x509.CertificateRequest)) []byte {
	t.Helper()
	r := &x509.CertificateRequest{DNSNames: []string{"a.example.com"}}
	for _, e := range edit {
		e(r)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, r, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// request is a CertificateRequest for the issuer, made by a user.
func request(csr []byte, edit ...func(*cmapi.CertificateRequest)) *cmapi.CertificateRequest {
	cr := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: handlertest.Namespace, Name: "web-1", UID: "uid-web-1",
			CreationTimestamp: metav1.NewTime(handlertest.Now.Add(-time.Minute)), // so that it is told at once what it waits for
			Labels:            map[string]string{"team": "shop"},
			Annotations: map[string]string{
				"acme.cert-manager.io/http01-override-ingress-name": "front",
				"kubectl.kubernetes.io/last-applied-configuration":  "{}",
			},
		},
		Spec: cmapi.CertificateRequestSpec{Request: csr, IssuerRef: cmmeta.IssuerReference{Name: "le"}, Duration: &metav1.Duration{Duration: 24 * time.Hour}},
	}
	for _, e := range edit {
		e(cr)
	}
	return cr
}

// readyIssuer is one that needs no server to be ready.
func readyIssuer(edit ...func(*cmacme.ACMEIssuer)) *cmapi.Issuer {
	i := issuer(edit...)
	i.UID = "uid-le"
	i.Status = cmapi.IssuerStatus{Conditions: []cmapi.IssuerCondition{{Type: "Ready", Status: "True"}}}
	return i
}

// signer serves CertificateRequests, which it approves.
func signer(w *world) *certificaterequests.Handler {
	return &certificaterequests.Handler{
		Cache: w.Cache, Client: w.CertManager.CertmanagerV1(), Approver: certificaterequests.Approver{All: true},
		Signers: map[issuers.Type]issuers.Backend{issuers.ACME: w.backend}, Events: w.Recorder(), Clock: w.Clock,
	}
}

// requests serves the request "web-1" in a world.
func requests(w *world) func() (message string) {
	h := signer(w)
	return func() string {
		w.t.Helper()
		w.Refresh()
		for range 2 { // the second time there is nothing to do
			writes := len(w.Writes)
			if _, err := h.Handle(w.t.Context(), handlertest.RequestKey("web-1")); err != nil {
				w.t.Fatal(err)
			}
			if w.Refresh(); len(w.Writes) == writes {
				break
			}
		}
		cr := handlertest.Get[*cmapi.CertificateRequest](w.World, "web-1")
		for _, c := range cr.Status.Conditions {
			if c.Type == cmapi.CertificateRequestConditionReady {
				return c.Reason + ": " + c.Message
			}
		}
		return ""
	}
}

// orders are those of the request.
func orders(w *world) []*cmacme.Order {
	w.Refresh()
	return w.Cache.OrdersOf(request(nil))
}

// The whole way of a request: one Order, one write that it waits, one that it
// is issued.
func TestSign(t *testing.T) {
	t.Parallel()
	key := handlertest.NewKey(t)
	csr := asked(t, key, func(r *x509.CertificateRequest) {
		r.Subject = pkix.Name{CommonName: "A.example.com"}
		r.DNSNames = []string{"A.example.com", "*.b.example.com", "a.example.com"}
		r.IPAddresses = []net.IP{net.ParseIP("192.0.2.7"), net.ParseIP("2001:db8::1")}
	})
	w := newWorld(t, acmetest.Options{}, readyIssuer(func(s *cmacme.ACMEIssuer) { s.Profile, s.EnableDurationFeature = "short", true }), request(csr))
	handle := requests(w)
	message := handle()
	all := orders(w)
	if len(all) != 1 {
		t.Fatalf("%d Orders, want 1", len(all))
	}
	o := all[0]
	if message != "Pending: Waiting for Order team/"+o.Name || !strings.HasPrefix(o.Name, "web-1-") {
		t.Errorf("got %q for Order %s", message, o.Name)
	}
	w.Wrote("create orders "+o.Name, "update certificaterequests/status web-1")
	w.Told("CertificateRequest/web-1 Normal OrderCreated: Waiting for Order team/" + o.Name)
	want := cmacme.Order{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"team": "shop"},
			Annotations: map[string]string{"acme.cert-manager.io/http01-override-ingress-name": "front"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "cert-manager.io/v1", Kind: "CertificateRequest", Name: "web-1", UID: "uid-web-1",
				Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true)}}},
		Spec: cmacme.OrderSpec{Request: csr, IssuerRef: cmmeta.IssuerReference{Name: "le"}, CommonName: "a.example.com",
			DNSNames: []string{"a.example.com", "*.b.example.com"}, IPAddresses: []string{"192.0.2.7", "2001:db8::1"},
			Duration: &metav1.Duration{Duration: 24 * time.Hour}, Profile: "short"},
	}
	got := cmacme.Order{ObjectMeta: metav1.ObjectMeta{Labels: o.Labels, Annotations: o.Annotations, OwnerReferences: o.OwnerReferences}, Spec: o.Spec}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Order (-want +got):\n%s", diff)
	}

	w.Forget()
	set := func(e func(*cmacme.OrderStatus)) {
		next := orders(w)[0].DeepCopy()
		e(&next.Status)
		if _, err := w.CertManager.AcmeV1().Orders(next.Namespace).UpdateStatus(t.Context(), next, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.Forget()
	}
	set(func(s *cmacme.OrderStatus) { s.State = cmacme.Pending })
	if handle(); len(w.Writes) != 0 {
		t.Errorf("the request was written although nothing is to be told: %q", w.Writes)
	}
	set(func(s *cmacme.OrderStatus) { s.Reason = "paused until noon" })
	if m := handle(); m != "Pending: Waiting for Order team/"+o.Name+": paused until noon" {
		t.Errorf("got %q", m)
	}
	set(func(s *cmacme.OrderStatus) { s.State, s.Reason = cmacme.Valid, "" })
	if m := handle(); m != "Pending: Waiting for Order team/"+o.Name {
		t.Errorf("valid, and no certificate yet: got %q", m)
	}
	chain := handlertest.NewAuthority(t, "ACME").Issue(t, key.Public())
	set(func(s *cmacme.OrderStatus) { s.Certificate = chain })
	if m := handle(); m != "Issued: Certificate fetched from issuer successfully" {
		t.Errorf("got %q", m)
	}
	w.Wrote("update certificaterequests/status web-1")
	cr := handlertest.Get[*cmapi.CertificateRequest](w.World, "web-1")
	if string(cr.Status.Certificate) != string(chain) || len(cr.Status.CA) != 0 {
		t.Error("the request does not have the Order's chain alone")
	}
}

// What no ACME server can issue is refused before anything is ordered.
func TestUnfitRequests(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		csr     func(*x509.CertificateRequest)
		cr      func(*cmapi.CertificateRequest)
		message string
	}{
		"common name": {func(r *x509.CertificateRequest) { r.Subject.CommonName = "c.example.com" }, nil,
			`spec.request: the common name "c.example.com" is not among the DNS names and IP addresses, and an ACME server proves only those: add it to dnsNames or ipAddresses, or leave commonName out`},
		"e-mail": {func(r *x509.CertificateRequest) { r.EmailAddresses = []string{"me@example.com"} }, nil,
			"spec.request: an ACME server issues no certificates for e-mail addresses (me@example.com): leave emailAddresses out, or use an issuer of another type"},
		"URI": {func(r *x509.CertificateRequest) { r.URIs = []*url.URL{{Scheme: "spiffe", Host: "x", Path: "/y"}} }, nil,
			"spec.request: an ACME server issues no certificates for URIs (spiffe://x/y): leave uris out, or use an issuer of another type"},
		"nothing": {func(r *x509.CertificateRequest) { r.DNSNames = nil; r.Subject.CommonName = "c.example.com" }, nil,
			"spec.request: it has neither DNS names nor IP addresses, without which an ACME server issues nothing: set dnsNames or ipAddresses"},
		"a wildcard inside": {func(r *x509.CertificateRequest) { r.DNSNames = []string{"a.*.example.com"} }, nil,
			`spec.request: "a.*.example.com" is no DNS name that an ACME server can prove: correct it in dnsNames`},
		"a dot at the end": {func(r *x509.CertificateRequest) { r.DNSNames = []string{"a.example.com."} }, nil,
			`spec.request: "a.example.com." is no DNS name that an ACME server can prove: correct it in dnsNames`},
		"an empty label": {func(r *x509.CertificateRequest) { r.DNSNames = []string{"a..example.com"} }, nil,
			`spec.request: "a..example.com" is no DNS name that an ACME server can prove: correct it in dnsNames`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, acmetest.Options{}, readyIssuer(), request(asked(t, handlertest.NewKey(t), row.csr)))
			if got := requests(w)(); got != "Failed: "+row.message {
				t.Errorf("got  %s\nwant %s", got, row.message)
			}
			if n := len(orders(w)); n != 0 {
				t.Errorf("%d Orders", n)
			}
		})
	}
}

// Names in other scripts are ordered as DNS has them.
func TestNamesOfOtherScripts(t *testing.T) {
	t.Parallel()
	csr := asked(t, handlertest.NewKey(t), func(r *x509.CertificateRequest) {
		r.Subject.CommonName, r.DNSNames = "MÜNCHEN.example", []string{"xn--mnchen-3ya.example", "*.XN--mnchen-3ya.example"}
	})
	w := newWorld(t, acmetest.Options{}, readyIssuer(), request(csr))
	requests(w)()
	if all := orders(w); len(all) != 1 || all[0].Spec.CommonName != "xn--mnchen-3ya.example" || strings.Join(all[0].Spec.DNSNames, " ") != "xn--mnchen-3ya.example *.xn--mnchen-3ya.example" {
		t.Errorf("got %+v", all)
	}
}

// Without enableDurationFeature the server decides on the duration.
func TestNoDuration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, acmetest.Options{}, readyIssuer(), request(asked(t, handlertest.NewKey(t))))
	requests(w)()
	if all := orders(w); len(all) != 1 || all[0].Spec.Duration != nil {
		t.Errorf("got %+v", all)
	}
}

// Long names are cut, and stay apart.
func TestOrderNames(t *testing.T) {
	t.Parallel()
	csr := asked(t, handlertest.NewKey(t))
	names := map[string]bool{}
	for _, name := range []string{strings.Repeat("a", 51) + "-x", strings.Repeat("a", 51) + "-y", "web-1"} {
		named := func(cr *cmapi.CertificateRequest) { cr.Name = name }
		w := newWorld(t, acmetest.Options{}, readyIssuer(), request(csr, named))
		h := signer(w)
		if _, err := h.Handle(t.Context(), handlertest.RequestKey(name)); err != nil {
			t.Fatal(err)
		}
		all := orders(w)
		if len(all) != 1 || len(all[0].Name) > 63 || strings.Contains(all[0].Name, "--") {
			t.Fatalf("got %+v", all)
		}
		names[all[0].Name] = true
	}
	if len(names) != 3 {
		t.Errorf("names are not distinct: %v", names)
	}
}

// Orders that end badly, or are not what they seem.
func TestOrdersAtTheirEnd(t *testing.T) {
	t.Parallel()
	key := handlertest.NewKey(t)
	csr := asked(t, key)
	foreign := handlertest.NewAuthority(t, "ACME").Issue(t, handlertest.NewKey(t).Public())
	first := newWorld(t, acmetest.Options{}, readyIssuer(), request(csr))
	requests(first)()
	made := orders(first)[0]
	state := func(s cmacme.State, reason string, certificate []byte) func(*cmacme.Order) {
		return func(o *cmacme.Order) {
			o.Status = cmacme.OrderStatus{State: s, Reason: reason, Certificate: certificate}
		}
	}
	for name, row := range map[string]struct {
		edit func(*cmacme.Order)
		want string
	}{
		"invalid":             {state(cmacme.Invalid, "caa: forbidden", nil), "Failed: Order team/NAME is invalid: caa: forbidden"},
		"errored":             {state(cmacme.Errored, "no solver", nil), "Failed: Order team/NAME is errored: no solver"},
		"expired":             {state(cmacme.Expired, "", nil), "Failed: Order team/NAME is expired"},
		"of another key":      {state(cmacme.Valid, "", foreign), "Failed: Order team/NAME: status.certificate: it is not for the key of this request: make a new request"},
		"with no certificate": {state(cmacme.Valid, "", []byte("nonsense")), "Failed: Order team/NAME: status.certificate: "},
		"of nobody":           {func(o *cmacme.Order) { o.OwnerReferences = nil }, "Failed: Order team/NAME exists and is not of this request: delete it, and make a new request"},
		"of somebody else":    {func(o *cmacme.Order) { o.OwnerReferences[0].Name, o.OwnerReferences[0].UID = "x", "x" }, "Failed: Order team/NAME exists and is not of this request: delete it, and make a new request"},
		"of the one before":   {func(o *cmacme.Order) { o.OwnerReferences[0].UID = "before" }, "Pending: Waiting for Order team/NAME, which is of an earlier request of this name, to be gone"},
		"of another text":     {func(o *cmacme.Order) { o.Spec.Request = []byte("x") }, "Failed: Order team/NAME exists and is not of this request: delete it, and make a new request"},
		"going": {func(o *cmacme.Order) {
			o.DeletionTimestamp, o.Finalizers = &metav1.Time{Time: handlertest.Now}, []string{"x/y"}
		}, "Pending: Waiting for Order team/NAME, which is being deleted, to be gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := made.DeepCopy()
			o.ResourceVersion = ""
			row.edit(o)
			w := newWorld(t, acmetest.Options{}, readyIssuer(), request(csr), o)
			if got, want := requests(w)(), strings.ReplaceAll(row.want, "NAME", o.Name); !strings.HasPrefix(got, want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// A cache that does not show the Order yet makes no second one; a write that
// was lost is made again.
func TestSignOnAStaleCache(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 2; n++ {
		for _, fate := range []handlertest.Fate{handlertest.Lost, handlertest.Unheard} {
			w := newWorld(t, acmetest.Options{}, readyIssuer(), request(asked(t, handlertest.NewKey(t))))
			h := signer(w)
			w.Fail(n, fate)
			if _, err := h.Handle(t.Context(), handlertest.RequestKey("web-1")); err == nil {
				t.Errorf("write %d: no error", n)
			}
			w.Mend()
			w.RefreshOnly(&cmapi.CertificateRequest{})
			if _, err := h.Handle(t.Context(), handlertest.RequestKey("web-1")); err != nil {
				t.Errorf("write %d: %v", n, err)
			}
			if got := len(orders(w)); got != 1 {
				t.Errorf("write %d: %d Orders", n, got)
			}
		}
	}
}
