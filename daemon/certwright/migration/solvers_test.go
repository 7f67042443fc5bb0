package migration

import (
	"errors"
	"strings"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ktesting "k8s.io/client-go/testing"

	"github.com/certwright/certwright/daemon/certwright/checks"
)

func solving(solver string) cmapi.IssuerSpec {
	return cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{Solvers: []cmacme.ACMEChallengeSolver{{
		DNS01: &cmacme.ACMEChallengeSolverDNS01{Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{GroupName: "acme.example.com", SolverName: solver}}}}}}}
}

// withSolvers has a ClusterIssuer and two Issuers by webhook, which is installed,
// and reviews by which certwright may call the solver "granted" alone. We are
// somebody who may ask that.
func withSolvers(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.kube.Resources = []*metav1.APIResourceList{{GroupVersion: "acme.example.com/v1alpha1", APIResources: []metav1.APIResource{
		{Name: "granted", Kind: "ChallengePayload"}, {Name: "mine", Kind: "ChallengePayload"}}}}
	for _, object := range []runtime.Object{
		&cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: "all"}, Spec: solving("mine")},
		&cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: "bank", Name: "dns"}, Spec: solving("granted")},
		&cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "dns"}, Spec: solving("mine")},
	} {
		if err := w.certs.Tracker().Add(object); err != nil {
			t.Fatal(err)
		}
	}
	w.weAre("admin")
	w.kube.PrependReactor("create", "subjectaccessreviews", func(a ktesting.Action) (bool, runtime.Object, error) {
		review, _ := a.(ktesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
		review = review.DeepCopy()
		review.Status.Allowed = review.Spec.ResourceAttributes.Resource == "granted" && review.Spec.User != ""
		return true, review, nil
	})
	return w
}

func (w *world) weAre(name string) {
	w.kube.PrependReactor("create", "selfsubjectreviews", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, &authenticationv1.SelfSubjectReview{Status: authenticationv1.SelfSubjectReviewStatus{UserInfo: authenticationv1.UserInfo{Username: name}}}, nil
	})
}

// found is what a check says of solvers.
func (w *world) found(t *testing.T, r Reader) []checks.Finding {
	t.Helper()
	c, err := r.ReadAll(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return checkSolvers(c)
}

func lacking(subject, account string) checks.Finding {
	return checks.Finding{
		Verdict: checks.Failed,
		Text:    account + " may not call the webhook solver acme.example.com/mine, so that Challenges would wait\nused by ClusterIssuer all\nused by Issuer shop/dns",
		Remedy: "let it, as webhooks mostly allow cert-manager's service account only; if certwright is to have another account, name that with --account\n" +
			"kubectl create clusterrole certwright-mine.acme.example.com --verb=create --resource=mine.acme.example.com\n" +
			"kubectl create clusterrolebinding certwright-mine.acme.example.com --clusterrole=certwright-mine.acme.example.com " + subject,
	}
}

// The account is that of the pods there are, or the shipped one, or what we are told.
func TestSolversAreAskedForTheDaemonsAccount(t *testing.T) {
	t.Parallel()
	const shipped, pods = "system:serviceaccount:cert-manager:certwright", "system:serviceaccount:cert-manager:release-certwright"
	for name, row := range map[string]struct {
		change           func(*testing.T, *world, *Reader)
		subject, account string
	}{
		"not installed": {func(t *testing.T, w *world, _ *Reader) {
			t.Helper()
			if err := w.kube.Tracker().Delete(appsv1.SchemeGroupVersion.WithResource("deployments"), "cert-manager", "certwright"); err != nil {
				t.Fatal(err)
			}
		}, "--serviceaccount=cert-manager:certwright", shipped},
		"installed": {func(t *testing.T, w *world, _ *Reader) {
			t.Helper()
			d := deployment("certwright", "daemon", "certwright/certwright:v1.0.0", 0)
			d.Spec.Template.Spec.ServiceAccountName = "release-certwright"
			if err := w.kube.Tracker().Update(appsv1.SchemeGroupVersion.WithResource("deployments"), d, d.Namespace); err != nil {
				t.Fatal(err)
			}
		}, "--serviceaccount=cert-manager:release-certwright", pods},
		"outside": {func(_ *testing.T, _ *world, r *Reader) { r.Account = "certwright@host" }, "--user=certwright@host", "certwright@host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := withSolvers(t)
			r := w.reader()
			row.change(t, w, &r)
			want := []checks.Finding{{Verdict: checks.OK, Text: row.account + " may call the webhook solver acme.example.com/granted"}, lacking(row.subject, row.account)}
			if diff := cmp.Diff(want, w.found(t, r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whoever comes with the daemon's own credentials needs no right to ask for others.
func TestTheDaemonItselfAsks(t *testing.T) {
	t.Parallel()
	w := withSolvers(t)
	w.weAre("certwright@host")
	w.kube.PrependReactor("create", "subjectaccessreviews", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(authorizationv1.Resource("subjectaccessreviews"), "", errors.New("no"))
	})
	w.kube.PrependReactor("create", "selfsubjectaccessreviews", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, &authorizationv1.SelfSubjectAccessReview{Status: authorizationv1.SubjectAccessReviewStatus{Allowed: true}}, nil
	})
	r := w.reader()
	r.Account = "certwright@host"
	for _, f := range w.found(t, r) {
		if f.Verdict != checks.OK {
			t.Errorf("%+v", f)
		}
	}
}

// What may not be asked is told, and is not in the way.
func TestSolversNobodyTellsOf(t *testing.T) {
	t.Parallel()
	w := withSolvers(t)
	w.kube.PrependReactor("create", "subjectaccessreviews", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(authorizationv1.Resource("subjectaccessreviews"), "", errors.New("no"))
	})
	found := w.found(t, w.reader())
	if len(found) != 2 || !checks.Passed(found) || !strings.Contains(found[1].Text, "may call the webhook solver acme.example.com/mine could not be asked: subjectaccessreviews") ||
		!strings.Contains(found[1].Remedy, "kubectl auth can-i create mine.acme.example.com") {
		t.Errorf("got %+v", found)
	}
}

// cert-manager with --namespace serves no ClusterIssuer, and no other namespace.
func TestSolversInScope(t *testing.T) {
	t.Parallel()
	w := withSolvers(t)
	d := deployment("cert-manager", "controller", "quay.io/jetstack/cert-manager-controller:v1.21.2", 2, "--namespace=bank")
	if err := w.kube.Tracker().Update(appsv1.SchemeGroupVersion.WithResource("deployments"), d, d.Namespace); err != nil {
		t.Fatal(err)
	}
	found := w.found(t, w.reader())
	if len(found) != 1 || found[0].Verdict != checks.OK || !strings.HasSuffix(found[0].Text, "/granted") {
		t.Errorf("got %+v", found)
	}
}

func TestUnreadableIssuers(t *testing.T) {
	t.Parallel()
	for _, resource := range []string{"issuers", "clusterissuers"} {
		w := withSolvers(t)
		w.certs.PrependReactor("list", resource, func(ktesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("boom") })
		if c := w.read(t); len(c.Unread) != 1 || c.Unread[0] != "the webhook solvers of issuers: boom" {
			t.Errorf("%s: got %q", resource, c.Unread)
		}
	}
}
