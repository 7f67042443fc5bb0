package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/rest"
	ktesting "k8s.io/client-go/testing"

	"github.com/certwright/certwright/daemon/certwright/migration"
	"github.com/certwright/certwright/daemon/config"
)

// newMigrationBench has cert-manager's controller and webhook, and no certwright.
func newMigrationBench() *bench {
	definitions := make([]runtime.Object, 0, len(migration.Definitions))
	for _, name := range migration.Definitions {
		definitions = append(definitions, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": name},
			"status": map[string]any{"storedVersions": []any{"v1"}}}})
	}
	theirs := lease()
	holder := "pod-1-external-cert-manager-controller"
	theirs.Spec.HolderIdentity = &holder
	policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "certwright-certificates"}}
	b := newBench(nil, theirs, policy, deployed("cert-manager", "cert-manager-controller", "--max-concurrent-challenges=10"), deployed("cert-manager-webhook", "cert-manager-webhook"))
	b.connect = func(*genericclioptions.ConfigFlags, io.Writer) (cluster, error) {
		client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
			{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}: "CustomResourceDefinitionList"}, definitions...)
		return cluster{certs: b.certs, kube: b.kube, dynamic: client, namespace: "ns"}, nil
	}
	return b
}

func deployed(name, image string, args ...string) *appsv1.Deployment {
	one := int32(1)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "cert-manager", Name: name, Annotations: map[string]string{"meta.helm.sh/release-name": "cm", "meta.helm.sh/release-namespace": "cert-manager"}},
		Spec:       appsv1.DeploymentSpec{Replicas: &one, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: "quay.io/jetstack/" + image + ":v1.21.2", Args: args}}}}},
		Status:     appsv1.DeploymentStatus{Replicas: 1, ReadyReplicas: 1},
	}
}

func TestMigrateCheck(t *testing.T) {
	b := newMigrationBench()
	var asked config.Config
	b.foresee = func(_ context.Context, _ *rest.Config, cfg config.Config) ([]migration.Prospect, error) {
		asked = cfg
		return []migration.Prospect{{Namespace: "shop", Name: "web", Outlook: "stays"}, {Namespace: "shop", Name: "api", Outlook: "reissues", Why: "the Secret is empty"}}, nil
	}
	b.expect(t, "migrate check", exitOK, `Checks
  ok           v1.21.2 cert-manager is deployment cert-manager/cert-manager, 1 of 1 ready
  ok           v1.21.2 webhook is deployment cert-manager/cert-manager-webhook, 1 of 1 ready
  ok           Lease kube-system/cert-manager-controller is held by pod-1-external-cert-manager-controller
  ok           all 6 CustomResourceDefinitions are there, store v1 alone, and stay
  ok           certwright is to be given: --max-concurrent-challenges=10
  note         cert-manager belongs to Helm release cert-manager/cm
               -> run no helm upgrade of it during the hand-over
  ok           1 Certificate(s) stay as they are: nothing is written
  note         1 Certificate(s) would be issued anew, as what they have does not do
               shop/api: the Secret is empty
               -> cert-manager would do so too, or should have: look at each (certwright status certificate NAME) and mend it first, if it is not to be
  note         certwright is not installed in the cluster
               -> install it now, which changes nothing yet: it waits for the Lease
`, "")
	if asked.MaxConcurrentChallenges != 10 {
		t.Errorf("foreseen with %d challenges, want cert-manager's 10", asked.MaxConcurrentChallenges)
	}
	if code := b.run(t, "migrate check -o json"); code != exitOK || !strings.Contains(b.out.String(), `"outlook": "reissues"`) {
		t.Error(code, b.out.String())
	}
	for _, a := range b.kube.Actions() {
		if a.GetVerb() != "get" && a.GetVerb() != "list" {
			t.Errorf("a check wrote: %v", a)
		}
	}
}

func TestMigrateCheckFails(t *testing.T) {
	b := newMigrationBench()
	b.foresee = func(context.Context, *rest.Config, config.Config) ([]migration.Prospect, error) {
		return nil, errors.New("boom")
	}
	if code := b.run(t, "migrate check"); code != exitOK || !strings.Contains(b.out.String(), "could not be looked at: what would become of Certificates: boom") {
		t.Error(code, b.out.String())
	}
	b = newMigrationBench()
	broken := deployed("cert-manager", "cert-manager-controller", "--made-up")
	if err := b.kube.Tracker().Update(appsv1.SchemeGroupVersion.WithResource("deployments"), broken, broken.Namespace); err != nil {
		t.Fatal(err)
	}
	if code := b.run(t, "migrate check"); code != exitFailure || !strings.Contains(b.err.String(), "cert-manager cannot be replaced yet") {
		t.Error(code, b.err.String())
	}
	if code := b.run(t, "migrate run --yes"); code != exitFailure || !strings.Contains(b.err.String(), "--force begins all the same") {
		t.Error(code, b.err.String())
	}
}

// A solver that only cert-manager may call is in the way, and told with the
// commands; of an account that is named, too.
func TestMigrateCheckOfWebhookSolvers(t *testing.T) {
	b := newMigrationBench()
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "dns"}}
	issuer.Spec.ACME = &cmacme.ACMEIssuer{Solvers: []cmacme.ACMEChallengeSolver{{DNS01: &cmacme.ACMEChallengeSolverDNS01{
		Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{GroupName: "acme.example.com", SolverName: "mine"}}}}}
	if err := b.certs.Tracker().Add(issuer); err != nil {
		t.Fatal(err)
	}
	b.kube.Resources = []*metav1.APIResourceList{{GroupVersion: "acme.example.com/v1alpha1", APIResources: []metav1.APIResource{{Name: "mine", Kind: "ChallengePayload"}}}}
	b.kube.PrependReactor("create", "subjectaccessreviews", func(a ktesting.Action) (bool, runtime.Object, error) {
		review, _ := a.(ktesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
		review.Status.Allowed = review.Spec.User == "granted"
		return true, review, nil
	})
	const finding = `
  failed       %s may not call the webhook solver acme.example.com/mine, so that Challenges would wait
               used by Issuer shop/dns
               -> let it, as webhooks mostly allow cert-manager's service account only; if certwright is to have another account, name that with --account
               kubectl create clusterrole certwright-mine.acme.example.com --verb=create --resource=mine.acme.example.com
               kubectl create clusterrolebinding certwright-mine.acme.example.com --clusterrole=certwright-mine.acme.example.com %s
`
	want := fmt.Sprintf(finding, "system:serviceaccount:cert-manager:certwright", "--serviceaccount=cert-manager:certwright")
	if code := b.run(t, "migrate check"); code != exitFailure || !strings.Contains(b.out.String(), want) {
		t.Error(code, b.out.String())
	}
	if code := b.run(t, "migrate run --yes"); code != exitFailure || !strings.Contains(b.err.String(), "kubectl create clusterrolebinding certwright-mine.acme.example.com") {
		t.Error(code, b.err.String())
	}
	if code := b.run(t, "migrate check --account me"); code != exitFailure || !strings.Contains(b.out.String(), fmt.Sprintf(finding, "me", "--user=me")) {
		t.Error(code, b.out.String())
	}
	if code := b.run(t, "migrate check --account granted -o json"); code != exitOK || !strings.Contains(b.out.String(), `"solverName": "mine"`) {
		t.Error(code, b.out.String())
	}
	if code := b.run(t, "migrate run --dry-run --account granted"); code != exitOK {
		t.Error(code, b.err.String())
	}
}

func TestMigratePlan(t *testing.T) {
	b := newMigrationBench()
	b.expect(t, "migrate plan", exitOK, `1. Keep what the way back needs in ConfigMap cert-manager/certwright-migration
  kubectl get -n cert-manager deployment/cert-manager -o jsonpath='{.spec.replicas}'
  kubectl get -n cert-manager deployment/cert-manager-webhook -o jsonpath='{.spec.replicas}'

2. Stop cert-manager's controller, and wait until Lease kube-system/cert-manager-controller is free
  kubectl scale -n cert-manager deployment/cert-manager --replicas=0
  kubectl get lease -n kube-system cert-manager-controller -o jsonpath='{.spec.holderIdentity}'   # until it is empty

3. Remove cert-manager's webhook configurations: without its pods they would have every change of a Certificate refused (done)

4. Have the API server serve the CustomResourceDefinitions without a conversion webhook (done)

5. Stop cert-manager's webhook, which nothing leads to any more
  kubectl scale -n cert-manager deployment/cert-manager-webhook --replicas=0

6. Have certwright at work; it takes the Lease, and goes on with what cert-manager began
  by you: install and start certwright: helm install, kubectl apply -k deploy/deployment, or systemctl start certwright
  certwright check api --wait 2m --leader-election-namespace kube-system
`, "")
	if code := b.run(t, "migrate plan --back -o json"); code != exitOK || !strings.Contains(b.out.String(), `"name": "start-cert-manager"`) {
		t.Error(code, b.out.String())
	}
}

func TestMigrateRunAsks(t *testing.T) {
	b := newMigrationBench()
	b.streams.In = strings.NewReader("y\nno\n")
	if code := b.run(t, "migrate run"); code != exitFailure || !strings.Contains(b.err.String(), "stopped, as you said") {
		t.Error(code, b.err.String())
	}
	if !strings.Contains(b.out.String(), "-> Keep what the way back needs") || !strings.Contains(b.out.String(), "-> Stop cert-manager's controller") {
		t.Error(b.out.String())
	}
	if _, err := b.kube.CoreV1().ConfigMaps("cert-manager").Get(t.Context(), migration.SavedName, metav1.GetOptions{}); err != nil {
		t.Error("the step that was agreed to was not done:", err)
	}
	b.streams.In = strings.NewReader("")
	if code := b.run(t, "migrate run"); code != exitUsage || !strings.Contains(b.err.String(), "nobody answers: give --yes") {
		t.Error(code, b.err.String())
	}
}

func TestMigrateDryRun(t *testing.T) {
	b := newMigrationBench()
	b.expect(t, "migrate run --dry-run", exitOK, `would: Keep what the way back needs in ConfigMap cert-manager/certwright-migration
would: Stop cert-manager's controller, and wait until Lease kube-system/cert-manager-controller is free
would: Stop cert-manager's webhook, which nothing leads to any more
would: Have certwright at work; it takes the Lease, and goes on with what cert-manager began
`, "")
	b.expect(t, "migrate back", exitOK, "Nothing to do: every step is done.\n", "")
	b.expect(t, "migrate run --timeout 0s", exitUsage, "", "Error: --timeout 0s is not above 0; write for example 5m\nSee \"certwright migrate run --help\".\n")
}
