package host

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// ill runs the doctor and returns the findings that are not ok, by area.
func ill(s *suite.Space, args ...string) (findings map[string]string, said suite.Said) {
	s.Helper()
	said = s.Certwright(append([]string{"doctor", "-o", "json", "--account", world.Account.Username()}, args...)...)
	var report struct {
		Healthy  bool
		Findings []struct{ Area, Verdict, Text, Remedy string }
	}
	s.Must(json.Unmarshal([]byte(said.Out), &report))
	findings = map[string]string{}
	for _, f := range report.Findings {
		if f.Verdict == "fail" {
			findings[f.Area] += f.Text + " -> " + f.Remedy + "\n"
		}
	}
	if report.Healthy != (len(findings) == 0) || (said.Code == 0) != report.Healthy {
		s.Errorf("healthy %t, code %d, findings %v", report.Healthy, said.Code, findings)
	}
	return findings, said
}

// TestDoctorOfTheHealthy: nothing to mend, with a daemon at work.
func TestDoctorOfTheHealthy(t *testing.T) {
	s := world.Space(t)
	world.StartDaemon(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	if found, said := ill(s, "-n", s.Namespace); len(found) > 0 {
		t.Errorf("%v\n%s", found, said.Err)
	}
	said := s.CLI("doctor")
	s.Mentions(said.Out, "server", "clock", "rights", "to mend")
}

// TestDoctorOfTheSick spoils one thing after the other, and has it found.
func TestDoctorOfTheSick(t *testing.T) {
	s := world.Space(t)
	world.StartDaemon(t)
	ctx := t.Context()
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))

	t.Run("no pair", func(t *testing.T) {
		s.CreateIssuer("broken", cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "broken"}})
		a, err := harness.NewRoot("a")
		s.Must(err)
		b, err := harness.NewRoot("b")
		s.Must(err)
		one, err := a.Secret(s.Namespace, "broken")
		s.Must(err)
		two, err := b.Secret(s.Namespace, "broken")
		s.Must(err)
		one.Data[corev1.TLSPrivateKeyKey] = two.Data[corev1.TLSPrivateKeyKey]
		s.PutSecret(one)
		found, said := ill(s)
		s.Mentions(found["secrets"], s.Namespace+"/broken", "no pair")
		if strings.Contains(said.Out+said.Err, "PRIVATE KEY") {
			t.Error("it prints a key")
		}
		s.Must(s.CertManager.CertmanagerV1().Issuers(s.Namespace).Delete(ctx, "broken", metav1.DeleteOptions{}))
	})
	t.Run("ACME server away", func(t *testing.T) {
		s.CreateIssuer("acme", cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{
			Server: "https://127.0.0.1:1/directory", PrivateKey: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "account"}},
			Solvers: []cmacme.ACMEChallengeSolver{{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{Ingress: &cmacme.ACMEChallengeSolverHTTP01Ingress{}}}},
		}})
		found, _ := ill(s, "--", "--acme-http01-solver-address=localhost:1")
		s.Mentions(found["issuers"], "issuer "+s.Namespace+"/acme", "https://127.0.0.1:1/directory", "connection refused", "proxies")
		s.Mentions(found["http01"], "localhost:1", "connection refused")
		s.Must(s.CertManager.CertmanagerV1().Issuers(s.Namespace).Delete(ctx, "acme", metav1.DeleteOptions{}))
	})
	t.Run("webhook solver not allowed", func(t *testing.T) {
		serveSolver(t, s, "mine", "solvers.example.com")
		solver := func(name string) cmacme.ACMEChallengeSolver {
			return cmacme.ACMEChallengeSolver{DNS01: &cmacme.ACMEChallengeSolverDNS01{
				Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{GroupName: "solvers.example.com", SolverName: name}}}
		}
		s.CreateIssuer("dns", cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{
			Server: "https://127.0.0.1:1/directory", PrivateKey: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "account"}},
			Solvers: []cmacme.ACMEChallengeSolver{solver("mine"), solver("other")},
		}})
		found, _ := ill(s)
		s.Mentions(found["solvers"], world.Account.Username()+" may not call the webhook solver solvers.example.com/mine", "Issuer "+s.Namespace+"/dns",
			"--resource=mine.solvers.example.com", "--serviceaccount="+world.Account.Namespace+":"+world.Account.Name,
			"solvers.example.com has no such solver: it has mine")
		name := metav1.ObjectMeta{Name: s.Namespace + "-solver"}
		roles, bindings := s.Kube.RbacV1().ClusterRoles(), s.Kube.RbacV1().ClusterRoleBindings()
		_, err := roles.Create(ctx, &rbacv1.ClusterRole{ObjectMeta: name, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"solvers.example.com"}, Resources: []string{"mine"}, Verbs: []string{"create"}}}}, metav1.CreateOptions{})
		s.Must(err)
		defer func() { s.Must(roles.Delete(ctx, name.Name, metav1.DeleteOptions{})) }()
		_, err = bindings.Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name.Name},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: world.Account.Namespace, Name: world.Account.Name}}}, metav1.CreateOptions{})
		s.Must(err)
		defer func() { s.Must(bindings.Delete(ctx, name.Name, metav1.DeleteOptions{})) }()
		if found, _ := ill(s); strings.Contains(found["solvers"], "may not call") {
			t.Errorf("it has the right: %s", found["solvers"])
		}
		s.Must(s.CertManager.CertmanagerV1().Issuers(s.Namespace).Delete(ctx, "dns", metav1.DeleteOptions{}))
	})
	t.Run("name server silent", func(t *testing.T) {
		found, _ := ill(s, "--", "--dns01-recursive-nameservers=127.0.0.1:1")
		s.Mentions(found["dns"], "127.0.0.1:1", "port 53")
	})
	t.Run("left over webhook", func(t *testing.T) {
		none, fail := admissionv1.SideEffectClassNone, admissionv1.Fail
		hooks := s.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations()
		_, err := hooks.Create(ctx, &admissionv1.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: "cert-manager-webhook"},
			Webhooks: []admissionv1.ValidatingWebhook{{
				Name: "webhook.cert-manager.io", SideEffects: &none, FailurePolicy: &fail, AdmissionReviewVersions: []string{"v1"},
				ClientConfig: admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{Namespace: "cert-manager", Name: "cert-manager-webhook"}},
				Rules: []admissionv1.RuleWithOperations{{Operations: []admissionv1.OperationType{"CREATE"},
					Rule: admissionv1.Rule{APIGroups: []string{"cert-manager.io"}, APIVersions: []string{"v1"}, Resources: []string{"*/*"}}}},
			}},
		}, metav1.CreateOptions{})
		s.Must(err)
		defer func() { s.Must(hooks.Delete(ctx, "cert-manager-webhook", metav1.DeleteOptions{})) }()
		found, _ := ill(s)
		s.Mentions(found["webhooks"], "cert-manager/cert-manager-webhook", "kubectl delete validatingwebhookconfiguration cert-manager-webhook")
	})
	t.Run("rights gone", func(t *testing.T) {
		said := s.Certwright("doctor", "--account", "system:serviceaccount:default:nobody")
		if said.Code != 1 {
			t.Errorf("it ended with %d", said.Code)
		}
		s.Mentions(said.Out, "system:serviceaccount:default:nobody may not", "watch certificates.cert-manager.io", "deploy/rbac")
	})
	t.Run("clock wrong", func(t *testing.T) {
		said := s.Certwright("doctor", "--kubeconfig", throughShift(t, s, -time.Hour))
		if said.Code != 1 {
			t.Errorf("it ended with %d", said.Code)
		}
		s.Mentions(said.Out, "clock is 1h0m0s ahead of the API server's", "NTP")
	})
	t.Run("old definitions", func(t *testing.T) {
		bare, err := harness.Open(ctx, harness.StageOptions{Bare: true, Binary: world.Binary})
		s.Must(err)
		defer func() { s.Must(bare.Close()) }()
		said := s.Certwright("doctor", "--kubeconfig", bare.Cluster.Kubeconfig())
		s.Mentions(said.Out, "certificates.cert-manager.io is missing", "kubectl apply -k deploy/crds")
		if said.Code != 1 {
			t.Errorf("it ended with %d", said.Code)
		}
	})
	t.Run("no server", func(t *testing.T) {
		said := s.Certwright("doctor", "--server", "https://127.0.0.1:1")
		s.Mentions(said.Out, "https://127.0.0.1:1 does not serve us", "nothing listens there")
		if said.Code != 1 {
			t.Errorf("it ended with %d", said.Code)
		}
	})
	t.Run("held up", func(t *testing.T) {
		challenge := &cmacme.Challenge{ObjectMeta: metav1.ObjectMeta{Name: "held", Namespace: s.Namespace, Finalizers: []string{"example.com/hold"}}}
		challenge.Spec.DNSName, challenge.Spec.Type = "x.example.com", cmacme.ACMEChallengeTypeHTTP01
		challenges := s.CertManager.AcmeV1().Challenges(s.Namespace)
		_, err := challenges.Create(ctx, challenge, metav1.CreateOptions{})
		s.Must(err)
		s.Must(challenges.Delete(ctx, "held", metav1.DeleteOptions{}))
		said := s.Certwright("doctor")
		if strings.Contains(said.Out, "Challenge "+s.Namespace+"/held") {
			t.Error("a moment is nothing to tell")
		}
		_, err = challenges.Patch(ctx, "held", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		s.Must(err)
	})
}

// serveSolver has the API server serve what looks as a webhook solver does, and
// waits until it does.
func serveSolver(t *testing.T, s *suite.Space, name, group string) {
	t.Helper()
	manifests := fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]s.%[2]s}
spec:
  group: %[2]s
  scope: Cluster
  names: {plural: %[1]s, singular: %[1]s, kind: ChallengePayload}
  versions:
  - {name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
---
apiVersion: %[2]s/v1alpha1
kind: ChallengePayload
metadata: {name: waited-for}
`, name, group)
	objects, err := harness.ParseManifests([]byte(manifests))
	s.Must(err)
	for _, object := range objects {
		s.Must(s.Apply(t.Context(), object))
	}
	definitions := s.Dynamic.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	t.Cleanup(func() { s.Must(definitions.Delete(context.Background(), name+"."+group, metav1.DeleteOptions{})) })
}

// TestDoctorOfBadOptions: the daemon's flags are judged as the daemon does.
func TestDoctorOfBadOptions(t *testing.T) {
	s := world.Space(t)
	for _, row := range [][]string{{"--concurrent-workers=0", "would leave nobody"}, {"--nonsense", "unknown flag"}, {"word", "no flag of certwright run"}} {
		said := s.Certwright("doctor", "--", row[0])
		if said.Code != 2 {
			t.Errorf("%s: it ended with %d", row[0], said.Code)
		}
		s.Mentions(said.Err, row[1])
	}
}
