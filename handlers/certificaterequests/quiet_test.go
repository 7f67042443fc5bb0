package certificaterequests_test

import (
	"context"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/certificaterequests"
	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// ordered is a backend that waits for an order, until it has a certificate.
type ordered struct {
	reason   string
	chain    []byte
	replaces string
}

func (*ordered) Check(context.Context, issuers.Issuer) (issuers.Readiness, error) {
	return issuers.Readiness{}, nil
}

func (b *ordered) Sign(_ context.Context, r issuers.Request) (issuers.Outcome, error) {
	b.replaces = r.Replaces
	if b.chain != nil {
		return issuers.Outcome{Chain: b.chain}, nil
	}
	return issuers.Wait(b.reason, "Waiting for Order %s", r.Name), nil
}

func quietly(t *testing.T, b *ordered, edit ...func(*cmapi.CertificateRequest)) (*handlertest.World, func() queue.Result) {
	t.Helper()
	crt := handlertest.Web()
	cr := handlertest.RequestOf(crt, 1, handlertest.CSR(t, handlertest.NewKey(t)), append(edit, func(cr *cmapi.CertificateRequest) {
		cr.CreationTimestamp.Time = handlertest.Now.Truncate(time.Second)
		cr.Annotations["certwright.dev/replaces"] = "cert-id"
	})...)
	w := handlertest.New(t, crt, cr, handlertest.SelfSignedIssuer("ca"))
	h := &certificaterequests.Handler{
		Cache: w.Cache, Client: w.CertManager.CertmanagerV1(), Approver: certificaterequests.Approver{All: true},
		Signers: map[issuers.Type]issuers.Backend{issuers.SelfSigned: b}, Events: w.Recorder(), Clock: w.Clock,
	}
	return w, func() queue.Result {
		result, err := h.Handle(t.Context(), handlertest.RequestKey("web-1"))
		if err != nil {
			t.Fatal(err)
		}
		w.Refresh()
		return result
	}
}

// An order that ends within eight seconds takes one write of its request.
func TestQuickOrder(t *testing.T) {
	t.Parallel()
	b := &ordered{reason: "OrderCreated"}
	w, handle := quietly(t, b)
	if got := handle(); got.After != 7600*time.Millisecond { // made 0.4 s ago
		t.Errorf("first: After %s", got.After)
	}
	w.Wrote()
	b.reason = "OrderPending"
	handle()
	w.Wrote()
	b.chain = handlertest.NewAuthority(t, "Public CA").Issue(t, handlertest.NewKey(t).Public())
	handle()
	w.Wrote("update certificaterequests/status web-1")
	if b.replaces != "cert-id" {
		t.Errorf("replaces %q", b.replaces)
	}
	if len(w.Request("web-1").Status.Conditions) != 2 {
		t.Errorf("conditions: %+v", w.Request("web-1").Status.Conditions)
	}
}

// One that takes longer is told of, once.
func TestLongOrder(t *testing.T) {
	t.Parallel()
	w, handle := quietly(t, &ordered{reason: "OrderPending"})
	handle()
	w.Wait(8 * time.Second)
	handle()
	handle()
	w.Wrote("update certificaterequests/status web-1")
}

// What somebody has to see to is told at once.
func TestWhatSomebodyHasToSeeTo(t *testing.T) {
	t.Parallel()
	w, handle := quietly(t, &ordered{reason: "SecretMissing"})
	handle()
	w.Wrote("update certificaterequests/status web-1")
}
