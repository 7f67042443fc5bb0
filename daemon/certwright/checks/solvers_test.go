package checks

import (
	"errors"
	"slices"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ktesting "k8s.io/client-go/testing"
)

const daemon = "system:serviceaccount:cert-manager:certwright"

// byWebhook is an Issuer, or with no namespace a ClusterIssuer, that names solvers,
// each as group and name.
func byWebhook(namespace, name string, solvers ...[2]string) cmapi.GenericIssuer {
	acme := &cmacme.ACMEIssuer{Solvers: []cmacme.ACMEChallengeSolver{{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{}}}}
	for _, s := range solvers {
		acme.Solvers = append(acme.Solvers, cmacme.ACMEChallengeSolver{DNS01: &cmacme.ACMEChallengeSolverDNS01{
			Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{GroupName: s[0], SolverName: s[1]}}})
	}
	spec := cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{ACME: acme}}
	if namespace == "" {
		return &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	}
	return &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: spec}
}

var mine, other = [2]string{"acme.example.com", "mine"}, [2]string{"acme.example.com", "other"}

func TestSolversOf(t *testing.T) {
	t.Parallel()
	got := SolversOf([]cmapi.GenericIssuer{
		byWebhook("shop", "b", other, mine, mine), byWebhook("shop", "a", mine), byWebhook("", "all", mine),
		byWebhook("shop", "ours", [2]string{"lego.certwright.dev", "hetzner"}), byWebhook("shop", "by-http"),
		&cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "ca"}, Spec: cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{CA: &cmapi.CAIssuer{}}}},
	})
	want := []Solver{
		{Group: "acme.example.com", Name: "mine", Issuers: []string{"ClusterIssuer all", "Issuer shop/a", "Issuer shop/b"}},
		{Group: "acme.example.com", Name: "other", Issuers: []string{"Issuer shop/b"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// let answers SubjectAccessReviews about the daemon and mine alone.
func (w world) let(t *testing.T, may bool) {
	t.Helper()
	w.kube.PrependReactor("create", "subjectaccessreviews", func(a ktesting.Action) (bool, runtime.Object, error) {
		review, _ := a.(ktesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
		want := authorizationv1.SubjectAccessReviewSpec{
			User: daemon, Groups: []string{"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:cert-manager"},
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "create", Group: "acme.example.com", Version: "v1alpha1", Resource: "mine"},
		}
		if diff := cmp.Diff(want, review.Spec); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
		return true, &authorizationv1.SubjectAccessReview{Status: authorizationv1.SubjectAccessReviewStatus{Allowed: may}}, nil
	})
}

// serve has the API server serve resources of a kind in the solver's group.
func (w world) serve(kind string, names ...string) {
	list := &metav1.APIResourceList{GroupVersion: "acme.example.com/v1alpha1"}
	for _, n := range names {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: n, Kind: kind})
	}
	w.kube.Resources = append(w.kube.Resources, list)
}

func TestSolvers(t *testing.T) {
	t.Parallel()
	const solver = "the webhook solver acme.example.com/mine"
	const users = "\nused by Issuer shop/a"
	const commands = "\nkubectl create clusterrole certwright-mine.acme.example.com --verb=create --resource=mine.acme.example.com" +
		"\nkubectl create clusterrolebinding certwright-mine.acme.example.com --clusterrole=certwright-mine.acme.example.com "
	const allow = "let it, as webhooks mostly allow cert-manager's service account only; if certwright is to have another account, name that with --account" + commands
	const ask = "have somebody check who may create subjectaccessreviews, or ask as that account: kubectl auth can-i create mine.acme.example.com"
	lacks := Finding{Failed, daemon + " may not call " + solver + ", so that Challenges would wait" + users, allow + "--serviceaccount=cert-manager:certwright"}
	for name, row := range map[string]struct {
		change func(*testing.T, world)
		self   bool
		names  [2]string // mine, unless it is set
		want   []Finding
	}{
		"it may": {change: func(t *testing.T, w world) { t.Helper(); w.serve(payloadKind, "mine"); w.let(t, true) },
			want: []Finding{{OK, daemon + " may call " + solver, ""}}},
		"it may not": {change: func(t *testing.T, w world) { t.Helper(); w.serve(payloadKind, "mine"); w.let(t, false) },
			want: []Finding{lacks}},
		"we may": {change: func(_ *testing.T, w world) { w.serve(payloadKind, "mine"); w.allow(true) }, self: true,
			want: []Finding{{OK, daemon + " may call " + solver, ""}}},
		"we may not": {change: func(_ *testing.T, w world) { w.serve(payloadKind, "mine"); w.allow(false) }, self: true,
			want: []Finding{lacks}},
		"nobody tells": {change: func(_ *testing.T, w world) {
			w.serve(payloadKind, "mine")
			w.refuse("create", "subjectaccessreviews", forbidden())
		}, want: []Finding{{Note, "whether " + daemon + " may call " + solver + " could not be asked: x is forbidden: no" + users, ask}}},
		"no group": {change: func(*testing.T, world) {},
			want: []Finding{{Note, solver + ": the API server serves no API group acme.example.com in version v1alpha1" + users, "install the webhook, or correct groupName"}}},
		"other solvers": {change: func(_ *testing.T, w world) { w.serve(payloadKind, "yours", "theirs") },
			want: []Finding{{Note, solver + ": the webhook acme.example.com has no such solver: it has theirs, yours" + users, "correct solverName"}}},
		"no solvers": {change: func(_ *testing.T, w world) { w.serve("Widget", "widgets") },
			want: []Finding{{Note, solver + ": the webhook acme.example.com has no such solver: it has none" + users, "correct solverName"}}},
		// A right to something else is nobody's to give because an Issuer names it.
		"no solver": {change: func(_ *testing.T, w world) { w.serve("Widget", "mine") },
			want: []Finding{{Note, solver + ": what is served by that name is no solver: it takes Widget, and not ChallengePayload" + users, "correct groupName and solverName"}}},
		"it is down": {change: func(t *testing.T, w world) {
			t.Helper()
			w.refuse("get", "resource", apierrors.NewServiceUnavailable("no endpoints"))
			w.let(t, false)
		}, want: []Finding{{Note, solver + ": the API server cannot reach the webhook" + users, "see why by kubectl describe apiservice v1alpha1.acme.example.com, and whether its pods run"}, lacks}},
		"it is down, and may be called": {change: func(t *testing.T, w world) {
			t.Helper()
			w.refuse("get", "resource", apierrors.NewServiceUnavailable("no endpoints"))
			w.let(t, true)
		}, want: []Finding{{Note, solver + ": the API server cannot reach the webhook" + users, "see why by kubectl describe apiservice v1alpha1.acme.example.com, and whether its pods run"}}},
		"discovery fails": {change: func(_ *testing.T, w world) { w.refuse("get", "resource", errors.New("boom")) },
			want: []Finding{{Note, "whether " + daemon + " may call " + solver + " could not be asked: look whether it is served: boom" + users, ask}}},
		"no names": {change: func(*testing.T, world) {}, names: [2]string{"acme.example.com", ""},
			want: []Finding{{Note, "the webhook solver acme.example.com/: groupName and solverName must both be set to what an API server can serve" + users, "correct them, as the webhook's own documentation has them"}}},
		"a command": {change: func(*testing.T, world) {}, names: [2]string{"x\n-> kubectl delete ns", "mine"},
			want: []Finding{{Note, "the webhook solver x -> kubectl delete ns/mine: groupName and solverName must both be set to what an API server can serve" + users, "correct them, as the webhook's own documentation has them"}}},
		"a path": {change: func(*testing.T, world) {}, names: [2]string{"acme.example.com", "mine/status"},
			want: []Finding{{Note, "the webhook solver acme.example.com/mine/status: groupName and solverName must both be set to what an API server can serve" + users, "correct them, as the webhook's own documentation has them"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sound()
			row.change(t, w)
			if row.names == [2]string{} {
				row.names = mine
			}
			account := Account{Reviews: w.kube.AuthorizationV1(), Name: daemon}
			if row.self {
				account.Name = ""
			}
			all := SolversOf([]cmapi.GenericIssuer{byWebhook("shop", "a", row.names)})
			AskSolvers(t.Context(), w.kube.Discovery(), account, daemon, all)
			if diff := cmp.Diff(row.want, JudgeSolvers(all, Note)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			faulty := slices.ContainsFunc(row.want, func(f Finding) bool { return f.Verdict == Note }) && all[0].Fault != ""
			if got := FirstFailed(JudgeSolvers(all, Failed)); faulty && (got == nil || got.Text != row.want[0].Text) {
				t.Errorf("one that nobody can call is %+v", got)
			}
		})
	}
}

// A finding names a few issuers, and says how many more there are; and it has a
// place for an account that is not known.
func TestManyUsersOfASolver(t *testing.T) {
	t.Parallel()
	found := JudgeSolvers([]Solver{{Group: "e.org", Name: "x", Issuers: []string{"1", "2", "3", "4", "5", "6", "7"}}}, Note)
	want := []Finding{{Failed, "your account may not call the webhook solver e.org/x, so that Challenges would wait\nused by 1\nused by 2\nused by 3\nused by 4\nused by 5\nand by 2 more",
		"let it, as webhooks mostly allow cert-manager's service account only; if certwright is to have another account, name that with --account\n" +
			"kubectl create clusterrole certwright-x.e.org --verb=create --resource=x.e.org\n" +
			"kubectl create clusterrolebinding certwright-x.e.org --clusterrole=certwright-x.e.org --user=<the daemon's user>"}}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
