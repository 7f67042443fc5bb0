package status

import (
	"context"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/certwright/certwright/internal/verdict"
)

// What an Order waits for is told in the words of its Challenges.
func TestTheChainToAnACMEServer(t *testing.T) {
	cr := request("1", approved())
	order := &cmacme.Order{ObjectMeta: metav1.ObjectMeta{Namespace: cr.Namespace, Name: "web-1-77", UID: "order",
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(cr, cmapi.SchemeGroupVersion.WithKind("CertificateRequest"))}},
		Status: cmacme.OrderStatus{State: cmacme.Pending, Reason: "paused"}}
	proof := func(name string, s cmacme.ChallengeStatus) *cmacme.Challenge {
		return &cmacme.Challenge{ObjectMeta: metav1.ObjectMeta{Namespace: cr.Namespace, Name: name,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(order, cmacme.SchemeGroupVersion.WithKind("Order"))}},
			Spec: cmacme.ChallengeSpec{DNSName: name + ".test", Type: cmacme.ACMEChallengeTypeDNS01}, Status: s}
	}
	for _, row := range []struct {
		name             string
		challenges       []runtime.Object
		waiting, because string
	}{
		{"the server", nil, "Order web-1-77 at Issuer/ca", "The Order: pending: paused."},
		{"the names", []runtime.Object{
			proof("a", cmacme.ChallengeStatus{State: cmacme.Valid}),
			proof("b", cmacme.ChallengeStatus{}),
			proof("c", cmacme.ChallengeStatus{Processing: true, State: cmacme.Pending, Reason: "the self check does not pass yet: NXDOMAIN"}),
			proof("d", cmacme.ChallengeStatus{State: cmacme.Pending, Reason: "no TXT record"}),
			proof("e", cmacme.ChallengeStatus{State: cmacme.Invalid, Reason: "refused"}),
			proof("f", cmacme.ChallengeStatus{Processing: true}),
		}, "the names of Order web-1-77 to be proved to Issuer/ca",
			"b.test by DNS-01: waits for its turn (--max-concurrent-challenges, and one at a time for a name). " +
				"c.test by DNS-01: the self check does not pass yet: NXDOMAIN. " +
				"d.test by DNS-01: no TXT record: it gave its place to others, and waits for its next turn. " +
				"e.test by DNS-01: invalid: refused. f.test by DNS-01: at work."},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, c, _ := reader(append([]runtime.Object{certificate(issuing), cr, goodIssuer(), order}, row.challenges...))
			r.ACME = c.AcmeV1()
			o, err := r.One(context.Background(), cr.Namespace, "web")
			if err != nil {
				t.Fatal(err)
			}
			v := verdict.Explain(o, time.Now())
			if v.Waiting != row.waiting || v.Because != row.because {
				t.Errorf("got  %s: %s\nwant %s: %s", v.Waiting, v.Because, row.waiting, row.because)
			}
		})
	}
}
