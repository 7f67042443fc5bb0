package status

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	cmfake "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"github.com/certwright/certwright/daemon/certwright/page"

	"github.com/certwright/certwright/internal/verdict"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func reader(certs []runtime.Object, core ...runtime.Object) (Reader, *cmfake.Clientset, *fake.Clientset) {
	c, k := cmfake.NewSimpleClientset(certs...), fake.NewClientset(core...)
	return Reader{Certs: c.CertmanagerV1(), Core: k.CoreV1()}, c, k
}

func forbid(tracker interface {
	PrependReactor(verb, resource string, reaction ktesting.ReactionFunc)
}, resource string) {
	tracker.PrependReactor("*", resource, func(ktesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("not yours"))
	})
}

// text is the page of ns/web.
func text(t *testing.T, r Reader) string {
	t.Helper()
	o, err := r.One(t.Context(), "ns", "web")
	if err != nil {
		t.Fatal(err)
	}
	var p page.Page
	New(o, now).Write(&p, now)
	var b strings.Builder
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestOne(t *testing.T) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web-tls"},
		Data:       map[string][]byte{"tls.key": []byte("topsecret")},
	}
	events := []runtime.Object{
		event("crt-1", "Certificate", "web", "Issuing", "Issuing certificate as Secret does not exist", 5*time.Minute, 1),
		event("cr-1", "CertificateRequest", "web-1", "WaitingForApproval", "Not signing CertificateRequest until it is Approved", time.Minute, 3),
		event("other", "Certificate", "web", "Foreign", "of an earlier Certificate of that name", time.Minute, 1),
	}
	r, _, _ := reader([]runtime.Object{certificate(issuing), goodIssuer(), request("1")}, append(events, secret)...)
	got := text(t, r)
	golden(t, "waiting.txt", got)
	if strings.Contains(got, "topsecret") {
		t.Error("the page shows the key")
	}
}

func TestOneWithNothingAround(t *testing.T) {
	r, _, _ := reader([]runtime.Object{certificate()})
	golden(t, "alone.txt", text(t, r))
}

func TestOneAfterFailure(t *testing.T) {
	r, _, _ := reader([]runtime.Object{certificate(failedOnce), goodIssuer(), request("1", approved(), readyRequest("False", "Failed", "no such role"))})
	golden(t, "failed.txt", text(t, r))
}

// What may not be read is said, and is not taken for absent.
func TestOneWithFewRights(t *testing.T) {
	r, c, k := reader([]runtime.Object{certificate(ready), goodIssuer()})
	forbid(c, "issuers")
	forbid(c, "certificaterequests")
	forbid(k, "secrets")
	forbid(k, "events")
	golden(t, "fewrights.txt", text(t, r))
}

func TestOneMissing(t *testing.T) {
	r, _, _ := reader(nil)
	if _, err := r.One(t.Context(), "ns", "web"); !apierrors.IsNotFound(err) {
		t.Error(err)
	}
}

func TestOneWithClusterIssuer(t *testing.T) {
	ref := func(c *cmapi.Certificate) {
		c.Spec.IssuerRef = cmmeta.IssuerReference{Name: "ca", Kind: "ClusterIssuer"}
	}
	ci := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: "ca"}, Status: goodIssuer().Status}
	r, _, _ := reader([]runtime.Object{certificate(ready, ref), ci})
	o, err := r.One(t.Context(), "ns", "web")
	if err != nil || o.Issuer.State != verdict.IssuerReady || o.Issuer.Reason != "KeyPairVerified" {
		t.Errorf("%+v, %v", o.Issuer, err)
	}
}

// everything is one Certificate in each of several states.
func everything() []runtime.Object {
	named := func(ns, name string, change ...func(*cmapi.Certificate)) *cmapi.Certificate {
		crt := certificate(change...)
		crt.Namespace, crt.Name = ns, name
		return crt
	}
	cluster := func(c *cmapi.Certificate) { c.Spec.IssuerRef.Kind = "ClusterIssuer" }
	return []runtime.Object{
		goodIssuer(), certificate(issuing), request("1"),
		named("ns", "old", ready), named("ns", "new"), named("other", "lost", issuing), named("other", "wide", cluster),
	}
}

func TestAll(t *testing.T) {
	for name, namespace := range map[string]string{"all.txt": "", "one.txt": "ns"} {
		t.Run(name, func(t *testing.T) {
			r, c, _ := reader(everything())
			golden(t, name, table(t, r, namespace))
			if n := len(c.Actions()); n != 4 {
				t.Errorf("%d calls: %v", n, c.Actions())
			}
		})
	}
}

func table(t *testing.T, r Reader, namespace string) string {
	t.Helper()
	all, err := r.All(t.Context(), namespace)
	if err != nil {
		t.Fatal(err)
	}
	var reports []Report
	for _, o := range all {
		reports = append(reports, New(o, now))
	}
	var b strings.Builder
	if err := Table(&b, reports, namespace == "", now); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAllWithFewRights(t *testing.T) {
	r, c, _ := reader(everything())
	forbid(c, "clusterissuers")
	all, err := r.All(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	if all[0].Issuer.State != verdict.IssuerMissing || all[1].Issuer.State != verdict.IssuerUnread {
		t.Errorf("%+v", all)
	}
}

func TestAllRefused(t *testing.T) {
	r, c, _ := reader(everything())
	forbid(c, "certificates")
	if _, err := r.All(context.Background(), ""); !apierrors.IsForbidden(err) {
		t.Error(err)
	}
	r, c, _ = reader(everything())
	c.PrependReactor("list", "certificaterequests", func(ktesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("boom") })
	if _, err := r.All(context.Background(), ""); err == nil {
		t.Error("a failure is not a want of rights")
	}
}

// Whoever may list Certificates alone is told what they tell alone.
func TestAllWithoutRequests(t *testing.T) {
	r, c, _ := reader(everything())
	forbid(c, "certificaterequests")
	all, err := r.All(context.Background(), "ns")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if !o.RequestUnread || o.Certificate.Name == "web" && verdict.Explain(o, now).Waiting != "what its request would tell" {
			t.Errorf("%+v", verdict.Explain(o, now))
		}
	}
}

func TestNewEvent(t *testing.T) {
	series := corev1.Event{Series: &corev1.EventSeries{Count: 7, LastObservedTime: metav1.NewMicroTime(now)}}
	if e := newEvent(series); e.Count != 7 || !e.Seen.Equal(now) {
		t.Errorf("%+v", e)
	}
	modern := corev1.Event{EventTime: metav1.NewMicroTime(now)}
	if e := newEvent(modern); e.Count != 1 || !e.Seen.Equal(now) {
		t.Errorf("%+v", e)
	}
	bare := corev1.Event{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: *at(0)}}
	if e := newEvent(bare); !e.Seen.Equal(now) {
		t.Errorf("%+v", e)
	}
}
