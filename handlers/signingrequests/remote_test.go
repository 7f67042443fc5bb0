package signingrequests

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/issuers"

	"github.com/google/go-cmp/cmp"
	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// server is a backend that asks a server, which answers in turn.
type server struct {
	issuers.Backend
	answers []issuers.Outcome
	asked   int
	seen    []map[string]string // the annotations of each request
}

func (*server) Places() int { return 3 }

func (s *server) Sign(_ context.Context, r issuers.Request) (issuers.Outcome, error) {
	s.seen = append(s.seen, r.Annotations)
	s.asked++
	return s.answers[min(s.asked, len(s.answers))-1], nil
}

// A server is asked beside the workers, on the request as it is stored; what
// it wants noted is noted, and what it answered is not asked for again.
func TestARemoteIssuer(t *testing.T) {
	csr := request(t, issuerSigner)
	csr.UID = "uid-web"
	w := newWorld(t, csr)
	w.issuer(namespace, "ca", caOf("pair"), true)
	s := &server{answers: []issuers.Outcome{
		{Annotate: map[string]string{"venafi.experimental.cert-manager.io/pickup-id": "order-1"}},
		{Pending: "it is at work", Reason: "IssuancePending", After: 2 * time.Second},
		{Chain: []byte("chain")},
	}}
	w.handler.Signers = map[issuers.Type]issuers.Backend{issuers.CA: s}
	if err := w.client.Tracker().Add(csr); err != nil {
		t.Fatal(err)
	}
	var notes []map[string]any
	w.client.PrependReactor("patch", "certificatesigningrequests", func(a clienttesting.Action) (bool, runtime.Object, error) {
		var patch map[string]any
		if err := json.Unmarshal(a.(clienttesting.PatchAction).GetPatch(), &patch); err != nil {
			t.Fatal(err)
		}
		notes = append(notes, patch)
		next := csr.DeepCopy()
		next.Annotations = map[string]string{"venafi.experimental.cert-manager.io/pickup-id": "order-1"}
		return true, next, w.client.Tracker().Update(certificatesv1.SchemeGroupVersion.WithResource("certificatesigningrequests"), next, "")
	})
	handle := func() time.Duration {
		t.Helper()
		result, err := w.handler.Handle(t.Context(), key)
		if err != nil || result.Beside == nil || result.Beside.Places != 3 || result.Beside.Group != "Issuer/team/ca" {
			t.Fatalf("got %+v, %v, want it to go on beside the workers", result, err)
		}
		result, err = result.Beside.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return result.After
	}
	handle()
	if diff := cmp.Diff([]map[string]any{{"metadata": map[string]any{
		"uid": string(csr.UID), "annotations": map[string]any{"venafi.experimental.cert-manager.io/pickup-id": "order-1"}}}}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if after := handle(); after != 2*time.Second { // the cache has not shown the note yet
		t.Errorf("looks again after %s, want 2 s", after)
	}
	if s.seen[1]["venafi.experimental.cert-manager.io/pickup-id"] != "order-1" {
		t.Errorf("the second request has %v, want what is stored", s.seen[1])
	}
	w.refuse = errors.New("the API server is away")
	result, err := w.handler.Handle(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := result.Beside.Do(t.Context()); err == nil {
		t.Error("the write was refused, and nobody says so")
	}
	handle()
	if s.asked != 3 {
		t.Errorf("asked %d times, want 3: the answer whose write was refused is kept", s.asked)
	}
	if len(w.writes) == 0 {
		t.Error("nothing was written")
	}
}
