package signingrequests

import (
	"errors"
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
)

func refuses(authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, error) {
	return authorizationv1.SubjectAccessReviewStatus{}, nil
}

// reviewOf is what is asked about alice.
func reviewOf(name string) authorizationv1.SubjectAccessReviewSpec {
	return authorizationv1.SubjectAccessReviewSpec{
		User: "alice", UID: "uid-alice", Groups: []string{"devs"},
		Extra: map[string]authorizationv1.ExtraValue{"scopes": {"web"}},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: "team", Verb: "reference", Group: "cert-manager.io", Version: "*", Resource: "signers", Name: name},
	}
}

// A right for the Issuer's name will do, and so will one for all names.
func TestReferences(t *testing.T) {
	t.Parallel()
	allows := func(names ...string) func(authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, error) {
		return func(s authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, error) {
			return authorizationv1.SubjectAccessReviewStatus{Allowed: strings.Contains(strings.Join(names, " "), s.ResourceAttributes.Name)}, nil
		}
	}
	for name, row := range map[string]struct {
		may    func(authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, error)
		asked  []authorizationv1.SubjectAccessReviewSpec
		signed bool
	}{
		"by name":      {allows("ca"), []authorizationv1.SubjectAccessReviewSpec{reviewOf("ca")}, true},
		"by all names": {allows("*"), []authorizationv1.SubjectAccessReviewSpec{reviewOf("ca"), reviewOf("*")}, true},
		"not at all":   {allows(), []authorizationv1.SubjectAccessReviewSpec{reviewOf("ca"), reviewOf("*")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, request(t, issuerSigner))
			w.issuer("team", "ca", caOf("pair"), true)
			w.pair("team", "pair", handlertest.NewAuthority(t, "Test CA"))
			w.may = row.may
			if err := w.handle(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.asked, w.reviews); diff != "" {
				t.Errorf("reviews (-want +got):\n%s", diff)
			}
			if got := len(w.shown.Status.Certificate) > 0; got != row.signed {
				t.Errorf("signed: got %t", got)
			}
		})
	}
}

// Nobody is asked before there is an Issuer, nor once there is an end.
func TestWhenNobodyIsAsked(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		signer string
		edits  []edit
	}{
		"no Issuer":     {issuerSigner, nil},
		"not approved":  {issuerSigner, []edit{unapproved}},
		"failed":        {issuerSigner, []edit{condition("Failed")}},
		"ClusterIssuer": {clusterSigner, nil},
	} {
		w := newWorld(t, request(t, r.signer, r.edits...))
		w.issuer("", "ca", caOf("pair"), true)
		if err := w.handle(); err != nil {
			t.Fatal(err)
		}
		if len(w.reviews) > 0 {
			t.Errorf("%s: asked %v", name, w.reviews)
		}
	}
}

// An API server that cannot answer has not refused: the request is tried again.
func TestReviewsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	lost := errors.New("connection lost")
	for name, row := range map[string]struct {
		status authorizationv1.SubjectAccessReviewStatus
		err    error
		want   string
	}{
		"error":      {err: lost, want: "ask whether the requester may reference Issuer team/ca: connection lost"},
		"evaluation": {status: authorizationv1.SubjectAccessReviewStatus{EvaluationError: "webhook is down"}, want: "ask whether the requester may reference Issuer team/ca: webhook is down"},
	} {
		w := newWorld(t, request(t, issuerSigner))
		w.issuer("team", "ca", caOf("pair"), true)
		w.may = func(authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, error) {
			return row.status, row.err
		}
		if err := w.handle(); err == nil || err.Error() != row.want {
			t.Errorf("%s: got %v, want %s", name, err, row.want)
		}
		w.expect(0)
	}
}

// A refusal in so many words is one, and a right is one, whatever else failed.
func TestReviewsWithAnAnswer(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		first, second authorizationv1.SubjectAccessReviewStatus
		want          string
	}{
		"denied":  {authorizationv1.SubjectAccessReviewStatus{Denied: true, EvaluationError: "webhook is down"}, authorizationv1.SubjectAccessReviewStatus{}, "DeniedReference"},
		"allowed": {authorizationv1.SubjectAccessReviewStatus{EvaluationError: "webhook is down"}, authorizationv1.SubjectAccessReviewStatus{Allowed: true}, "SecretMissing"},
	} {
		w := newWorld(t, request(t, issuerSigner))
		w.issuer("team", "ca", caOf("pair"), true)
		w.may = func(s authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, error) {
			if s.ResourceAttributes.Name == "*" {
				return row.second, nil
			}
			return row.first, nil
		}
		if err := w.handle(); err != nil {
			t.Fatal(err)
		}
		if len(w.events) != 1 || !strings.Contains(w.events[0], row.want) {
			t.Errorf("%s: got %v, want %s", name, w.events, row.want)
		}
	}
}
