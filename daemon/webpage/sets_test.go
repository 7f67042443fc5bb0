package webpage

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/internal/webhookset"
)

func contextWithin(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

// selfSigned is a certificate in PEM that ends 90 days from now.
var selfSigned = sync.OnceValue(func() []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(0xabc), Subject: pkix.Name{CommonName: hostile}, NotBefore: now.Add(-day), NotAfter: now.Add(90 * day), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
})

func someSets() []webhookset.Set {
	good, bad := webhookset.BTPManager(), webhookset.BTPManager()
	good.Name, bad.Name = "good", "bad"
	bad.CA.Name = "absent"
	return []webhookset.Set{good, bad}
}

// withSets adds the Secrets and configurations of a set in rotation.
func withSets(c *caches) *caches {
	set := someSets()[0]
	c.secrets[set.Namespace+"/"+set.CA.Name] = &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{
			webhookset.PhaseAnnotation: "Spreading", webhookset.CauseAnnotation: "ca-expires-soon", webhookset.SinceAnnotation: now.Add(-time.Minute).Format(time.RFC3339)}},
		Data: map[string][]byte{"ca.crt": selfSigned(), "ca.key": []byte(secretData)}}
	c.secrets[set.Namespace+"/"+set.Server.Name] = &corev1.Secret{Data: map[string][]byte{"tls.crt": selfSigned(), "tls.key": []byte(secretData)}}
	c.secrets["shop/ca"] = &corev1.Secret{Data: map[string][]byte{"tls.crt": selfSigned(), "tls.key": []byte(secretData)}}
	c.secrets["shop/web-tls"] = c.secrets["shop/ca"]
	hook := func(bundle []byte) admissionv1.WebhookClientConfig {
		return admissionv1.WebhookClientConfig{CABundle: bundle}
	}
	c.mutating = []*admissionv1.MutatingWebhookConfiguration{{Webhooks: []admissionv1.MutatingWebhook{{ClientConfig: hook(selfSigned())}}}}
	c.validating = []*admissionv1.ValidatingWebhookConfiguration{{Webhooks: []admissionv1.ValidatingWebhook{{ClientConfig: hook([]byte("other"))}}}}
	return c
}

// token is what a challenge is answered with, which is nobody else's business.
const token = "token-of-the-challenge"

// withOrder adds a Certificate that an ACME server is asked for.
func withOrder(c *caches) *caches {
	crt := certificate("shop", "order", fresh)
	crt.Status.Conditions = []cmapi.CertificateCondition{{Type: "Issuing", Status: "True", LastTransitionTime: at4(-time.Minute)}}
	cr := &cmapi.CertificateRequest{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "order-1", UID: "cr",
		Annotations: map[string]string{cmapi.CertificateNameKey: "order", cmapi.CertificateRequestRevisionAnnotationKey: "1"}, CreationTimestamp: *at4(-time.Minute)},
		Status: cmapi.CertificateRequestStatus{Conditions: []cmapi.CertificateRequestCondition{{Type: "Approved", Status: "True"}}}}
	order := &cmacme.Order{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "order-1-7", UID: "order"}, Status: cmacme.OrderStatus{State: cmacme.Pending}}
	proof := func(name string, s cmacme.ChallengeStatus) *cmacme.Challenge {
		return &cmacme.Challenge{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: *at4(-time.Minute),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(order, cmacme.SchemeGroupVersion.WithKind("Order"))}},
			Spec: cmacme.ChallengeSpec{DNSName: name + ".test", Type: "DNS-01", Token: token, Key: token}, Status: s}
	}
	c.certificates = append(c.certificates, crt)
	c.requests[crt.UID] = []*cmapi.CertificateRequest{cr}
	c.orders[cr.UID] = []*cmacme.Order{order}
	c.challenges = []*cmacme.Challenge{
		proof("b", cmacme.ChallengeStatus{Processing: true, State: cmacme.Pending, Reason: "no TXT record at b.test"}),
		proof("a", cmacme.ChallengeStatus{Processing: true, State: cmacme.Pending, Reason: "no TXT record at a.test"}),
		proof("c", cmacme.ChallengeStatus{State: cmacme.Pending, Reason: "no TXT record at c.test"}),
		proof("d", cmacme.ChallengeStatus{}),
		proof("e", cmacme.ChallengeStatus{State: cmacme.Valid}),
	}
	return c
}

func TestSets(t *testing.T) {
	o := Options{Caches: withSets(everything()), Sets: someSets()}
	all := o.sets(t.Context())
	good, bad := all[0], all[1]
	if good.Phase != "Spreading" || good.Cause != "ca-expires-soon" || good.Since == nil || !good.CA.Expires.Equal(now.Add(90*day)) ||
		good.Webhooks != 2 || good.InPlace != 1 || !good.Good() || good.Steady() {
		t.Errorf("%+v", good)
	}
	if bad.CA.Fault != "there is no such Secret" || bad.Phase != "" || bad.Meaning == "" || bad.InPlace != 0 || bad.Good() {
		t.Errorf("%+v", bad)
	}
}

func TestChallenges(t *testing.T) {
	c := challengesOf(withOrder(everything()).challenges, 60)
	if c.AtWork != 2 || c.Waiting != 2 || len(c.Listed) != 4 {
		t.Errorf("%+v", c)
	}
	want := []Reason{{"no TXT record at (name)", 2, 1}, {aTurn, 0, 1}}
	if len(c.Reasons) != 2 || c.Reasons[0] != want[0] || c.Reasons[1] != want[1] {
		t.Errorf("got %v, want %v", c.Reasons, want)
	}
	if c.Listed[0].Name != "a" || !c.Listed[1].AtWork || c.Listed[3].AtWork {
		t.Errorf("%+v", c.Listed)
	}
}

// Reasons that are all different are not more than can be read.
func TestManyReasons(t *testing.T) {
	reasons := map[string]*Reason{}
	for i := range 100 {
		text := strings.Repeat("x", i+1)
		reasons[text] = &Reason{Text: text, Waiting: 1, AtWork: 1}
	}
	all := ranked(reasons)
	if last := all[len(all)-1]; len(all) != mostReasons+1 || last.AtWork != 100-mostReasons || last.Waiting != 100-mostReasons {
		t.Errorf("%d, %+v", len(all), last)
	}
}

func TestIssuers(t *testing.T) {
	o := Options{Caches: withSets(everything()), ClusterNamespace: "kube-system"}
	all := o.issuers()
	if len(all) != 2 || all[0].Name != "acme" || all[0].Ready || all[0].Type != "ACME" || all[0].Certificates != 1 || all[0].CAExpires != nil {
		t.Errorf("%+v", all)
	}
	if i := all[1]; !i.Ready || i.Type != "CA" || i.Certificates != 7 || !i.CAExpires.Equal(now.Add(90*day)) {
		t.Errorf("%+v", i)
	}
}

// Whoever is confined to namespaces does not say that there is no ClusterIssuer.
func TestConfined(t *testing.T) {
	c := everything()
	c.clusters = nil
	for confined, want := range map[bool]string{true: "Unknown", false: "Missing"} {
		s := Options{Caches: c, Confined: confined}.story(c.Certificate("shop", "stuck"), now)
		if s.IssuerState != want {
			t.Errorf("confined %t: %s", confined, s.IssuerState)
		}
	}
}

func TestStory(t *testing.T) {
	c := withOrder(withSets(everything()))
	o := Options{Caches: c}
	s := o.story(c.Certificate("shop", "order"), now)
	if s.WaitingFor != "the names of Order order-1-7 to be proved to Issuer/ca" || s.Order == nil || len(s.Order.Challenges) != 5 || s.Order.Challenges[0].Name != "a" || s.Request.Revision != 1 {
		t.Errorf("%+v", s)
	}
	s = o.story(c.Certificate("shop", "web"), now)
	if len(s.Stored) != 1 || s.Stored[0].Serial != "abc" || s.Stored[0].Key != "ECDSA" || len(s.Stored[0].Fingerprint) != 64 || !s.HasLife() {
		t.Errorf("%+v", s.Stored)
	}
	if l := s.LifeAt(now); l.Passed != 33 || l.Renewal != 66 {
		t.Errorf("%+v", l)
	}
	if l := s.LifeAt(now.Add(1000 * day)); l.Passed != 100 {
		t.Errorf("%+v", l)
	}
	if s := o.story(c.Certificate("shop", "new"), now); s.HasLife() || s.WaitingFor != "the daemon to see it" {
		t.Errorf("%+v", s)
	}
}

func TestReplicas(t *testing.T) {
	h := handler(t, everything())
	page := func() string { return content(byID(t, document(t, h, "/replicas"), "results")) }
	if got := page(); !strings.Contains(got, "no leader election") {
		t.Error(got)
	}
	var leases []Shard
	h.options.Shards, h.options.Identity = func() []Shard { return leases }, func() string { return "me_1" }
	if got := page(); !strings.Contains(got, "Nobody is known") {
		t.Error(got)
	}
	leases = []Shard{{"lease", "other_1", false}, {"lease-2", "me_1", true}, {"lease-3", "", false}}
	if got := page(); !strings.Contains(got, "other_1 stands by") || !strings.Contains(got, "me_1 at work") || !strings.Contains(got, "nobody") {
		t.Error(got)
	}
}

func TestAssets(t *testing.T) {
	h := handler(t, everything())
	for path, kind := range map[string]string{"/page.css": "text/css", "/page.js": "javascript", "/icon.svg": "image/svg+xml"} {
		r := ask(t, h, http.MethodGet, path)
		body := r.body
		if !strings.Contains(r.Header.Get("Content-Type"), kind) || len(body) < 100 {
			t.Errorf("%s: %s, %d bytes", path, r.Header.Get("Content-Type"), len(body))
		}
		if code := ask(t, h, http.MethodGet, path, "If-None-Match: "+r.Header.Get("ETag")).StatusCode; code != http.StatusNotModified {
			t.Errorf("%s again: %d", path, code)
		}
		for _, far := range []string{"http://", "https://", "@import", "url("} {
			if bytes.Contains([]byte(strings.ReplaceAll(body, `xmlns="http://www.w3.org/2000/svg"`, "")), []byte(far)) {
				t.Errorf("%s names %s", path, far)
			}
		}
	}
}
