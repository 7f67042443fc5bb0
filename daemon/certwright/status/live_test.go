package status

import (
	"context"
	"errors"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmfake "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ktesting "k8s.io/client-go/testing"
)

// live runs a Live over a fake clientset until the test ends.
func live(t *testing.T, c *cmfake.Clientset, namespace, name string) *Live {
	t.Helper()
	l := NewLive(c, namespace, name)
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); l.Run(ctx) }()
	t.Cleanup(func() { end(); <-done })
	return l
}

// until waits for a condition, which is looked at when something has changed.
func until(t *testing.T, l *Live, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-l.Changed():
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%s: %+v, trouble %v", what, waits(l), l.Trouble())
		}
	}
}

// waits is what each Certificate waits for.
func waits(l *Live) map[string]string {
	found := map[string]string{}
	for _, o := range l.All() {
		r := New(o, now)
		found[r.Namespace+"/"+r.Name] = r.WaitingFor
	}
	return found
}

func TestLive(t *testing.T) {
	c := cmfake.NewSimpleClientset(everything()...)
	l := live(t, c, "", "")
	until(t, l, "complete", l.Complete)
	if got := waits(l); len(got) != 5 || got["ns/web"] != "approval of web-1" || got["other/wide"] != "ClusterIssuer/ca to exist" {
		t.Errorf("%v", got)
	}
	// The chain to an ACME server, link by link.
	cr, err := c.CertmanagerV1().CertificateRequests("ns").Get(t.Context(), "web-1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cr.Status.Conditions = append(cr.Status.Conditions, approved())
	if _, err := c.CertmanagerV1().CertificateRequests("ns").UpdateStatus(t.Context(), cr, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, l, "approved", func() bool { return waits(l)["ns/web"] == "Issuer/ca to sign web-1" })
	order := &cmacme.Order{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web-1-7", UID: "order",
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(cr, cmapi.SchemeGroupVersion.WithKind("CertificateRequest"))}}}
	if _, err := c.AcmeV1().Orders("ns").Create(t.Context(), order, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, l, "ordered", func() bool { return waits(l)["ns/web"] == "Order web-1-7 at Issuer/ca" })
	ch := &cmacme.Challenge{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web-1-7-1",
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(order, cmacme.SchemeGroupVersion.WithKind("Order"))}}}
	if _, err := c.AcmeV1().Challenges("ns").Create(t.Context(), ch, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, l, "challenged", func() bool { return waits(l)["ns/web"] == "the names of Order web-1-7 to be proved to Issuer/ca" })
	if err := c.CertmanagerV1().Certificates("ns").Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, l, "deleted", func() bool { return len(l.All()) == 4 })
}

func TestLiveOfOne(t *testing.T) {
	l := live(t, cmfake.NewSimpleClientset(everything()...), "ns", "web")
	until(t, l, "complete", l.Complete)
	if got := waits(l); len(got) != 1 || got["ns/web"] != "approval of web-1" {
		t.Errorf("%v", got)
	}
}

// What may not be read is no trouble: it is told where it matters, and the
// rest is complete without.
func TestLiveWithFewRights(t *testing.T) {
	c := cmfake.NewSimpleClientset(everything()...)
	for _, resource := range []string{clusterIssuers, requests, orders, challenges} {
		forbid(c, resource)
	}
	l := live(t, c, "", "")
	until(t, l, "complete", l.Complete)
	if got := waits(l); got["other/wide"] != "the daemon to see it" || got["ns/web"] != "what its request would tell" || l.Trouble() != nil {
		t.Errorf("%v, %v", got, l.Trouble())
	}
}

// A connection that is lost is told of, what was known stays, and it goes on.
func TestLiveAfterAnOutage(t *testing.T) {
	c := cmfake.NewSimpleClientset(everything()...)
	away := make(chan struct{})
	gone := func(ktesting.Action) (bool, runtime.Object, error) {
		select {
		case <-away:
			return false, nil, nil
		default:
			return true, nil, errors.New("connection refused")
		}
	}
	c.PrependReactor("list", "certificates", gone)
	l := live(t, c, "", "")
	until(t, l, "trouble", func() bool { return l.Trouble() != nil })
	if l.Complete() {
		t.Error("nothing is known")
	}
	close(away)
	until(t, l, "back", func() bool { return l.Trouble() == nil && l.Complete() })
	if len(l.All()) != 5 {
		t.Errorf("%v", waits(l))
	}
}
