package doctor

import (
	"errors"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmfake "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake"
	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"github.com/certwright/certwright/daemon/certwright/checks"
)

// The right is asked for whom the doctor was told of, or else for who asks.
func TestWhoseSolvers(t *testing.T) {
	t.Parallel()
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "le"}}
	issuer.Spec.ACME = &cmacme.ACMEIssuer{Solvers: []cmacme.ACMEChallengeSolver{{DNS01: &cmacme.ACMEChallengeSolverDNS01{
		Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{GroupName: "acme.example.com", SolverName: "mine"}}}}}
	for account, want := range map[string]checks.Solver{
		"":       {Account: "admin", May: true},
		"daemon": {Account: "daemon", May: false},
	} {
		kube := fake.NewClientset()
		kube.Resources = []*metav1.APIResourceList{{GroupVersion: "acme.example.com/v1alpha1", APIResources: []metav1.APIResource{{Name: "mine", Kind: "ChallengePayload"}}}}
		kube.PrependReactor("create", "selfsubjectaccessreviews", func(ktesting.Action) (bool, runtime.Object, error) {
			return true, &authorizationv1.SelfSubjectAccessReview{Status: authorizationv1.SubjectAccessReviewStatus{Allowed: true}}, nil
		})
		kube.PrependReactor("create", "subjectaccessreviews", func(ktesting.Action) (bool, runtime.Object, error) {
			return true, &authorizationv1.SubjectAccessReview{}, nil
		})
		want.Group, want.Name, want.Issuers = "acme.example.com", "mine", []string{"Issuer web/le"}
		f := Facts{Server: Server{Who: "admin"}}
		if err := (Source{Kube: kube, Certs: cmfake.NewSimpleClientset(issuer), Account: account}).solvers(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]checks.Solver{want}, f.Solvers); diff != "" {
			t.Errorf("account %q (-want +got):\n%s", account, diff)
		}
	}
}

func TestSolversOfUnreadableIssuers(t *testing.T) {
	t.Parallel()
	certs := cmfake.NewSimpleClientset()
	certs.PrependReactor("list", "issuers", func(ktesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("boom") })
	if err := (Source{Kube: fake.NewClientset(), Certs: certs}).solvers(t.Context(), &Facts{}); err == nil {
		t.Error("no error")
	}
}
