package migration

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	ktesting "k8s.io/client-go/testing"

	"github.com/certwright/certwright/daemon/certwright/checks"
)

// wholeWay is the order of the hand-over, which docs/migration.md explains.
var wholeWay = []string{"keep", "stop-cainjector", "stop-cert-manager", "unhook", "stop-webhook", "start-certwright"}

func TestThereAndBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.read(t)
	if diff := cmp.Diff(wholeWay, w.move(t, There)); diff != "" {
		t.Fatalf("steps (-want +got):\n%s", diff)
	}
	after := w.read(t)
	if !after.Lease.ours() || len(after.Configurations) != 0 || !after.all(Controller, Workload.off) || !after.all(CAInjector, Workload.off) || !after.all(Webhook, Workload.off) {
		t.Errorf("after the hand-over: %+v", after)
	}
	if _, err := w.kube.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(t.Context(), "somebody-elses", metav1.GetOptions{}); err != nil {
		t.Error("what is somebody else's was removed:", err)
	}
	if diff := cmp.Diff([]string{"stop-certwright", "start-webhook", "rehook", "start-cainjector", "start-cert-manager", "forget"}, w.move(t, Back)); diff != "" {
		t.Fatalf("steps back (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, w.read(t)); diff != "" {
		t.Errorf("it is not as it was (-before +after):\n%s", diff)
	}
}

// Cut off after any write, it goes on, and does nothing twice.
func TestCutOff(t *testing.T) {
	t.Parallel()
	whole := newWorld(t)
	whole.move(t, There)
	for n := range whole.did {
		w := newWorld(t)
		w.cutAfter = n + 1
		for {
			c, err := w.reader().Read(t.Context(), now)
			if err == nil {
				err = w.mover().Do(t.Context(), c, Left(There(c))[0], There)
			}
			if err != nil {
				break
			}
		}
		w.cutAfter = 0
		w.move(t, There)
		if diff := cmp.Diff(whole.did, w.did); diff != "" {
			t.Errorf("cut off after %d writes (-want +got):\n%s", n+1, diff)
		}
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change  func(*world, *Cluster)
		verdict checks.Verdict
		text    string
		remedy  string
	}{
		"the program":      {nil, checks.OK, "v1.21.2 cert-manager is deployment cert-manager/cert-manager, 2 of 2 ready", ""},
		"who holds":        {nil, checks.OK, "Lease kube-system/cert-manager-controller is held by " + theirHolder, ""},
		"definitions":      {nil, checks.OK, "all 6 CustomResourceDefinitions are there, store v1 alone, and stay", ""},
		"configurations":   {nil, checks.OK, "MutatingWebhookConfiguration cert-manager-webhook is removed in the hand-over, and kept", ""},
		"no policies":      {nil, checks.Note, "once cert-manager's webhook is gone", "install the admission policies"},
		"flags that count": {nil, checks.OK, "certwright is to be given: --v=2 --cluster-resource-namespace=cert-manager --dns01-recursive-nameservers=192.0.2.53:53", ""},
		"a gate":           {nil, checks.Note, "--feature-gates=ACMEUseARI=true: has no effect; there are no feature gates", ""},
		"flags we lack":    {nil, checks.Note, "cert-manager has flags that certwright lacks: --v=2 --cluster-resource-namespace=cert-manager --dns01", "add them to its args"},
		"an old version":   {func(_ *world, c *Cluster) { c.Workloads[0].Version = "v1.5.3" }, checks.Failed, "cert-manager v1.5.3 is old", "upgrade it"},
		"an old API": {func(_ *world, c *Cluster) { c.Definitions[1].Stored = []string{"v1alpha2", "v1"} }, checks.Failed,
			"certificates.cert-manager.io has objects stored as v1alpha2", "rewrite the objects"},
		"definitions that would go": {func(_ *world, c *Cluster) { c.Definitions[1].Kept = false }, checks.Failed,
			"certificates.cert-manager.io goes when Helm release cert-manager/cert-manager is uninstalled", "have Helm keep them"},
		"a definition is missing": {func(_ *world, c *Cluster) { c.Definitions = c.Definitions[1:] }, checks.Failed, "1 of the 6 CustomResourceDefinitions are missing", "install them"},
		"an unknown flag":         {func(_ *world, c *Cluster) { c.Workloads[0].Args = []string{"--made-up=yes"} }, checks.Failed, "--made-up=yes: not known here", "leave it out"},
		"flags that do not do together": {func(_ *world, c *Cluster) { c.Workloads[0].Args = []string{"--leader-election-renew-deadline=90s"} }, checks.Failed,
			"its flags together do not do", "mend it"},
		"two of them": {func(_ *world, c *Cluster) { c.Workloads = append(c.Workloads, c.Workloads[0]) }, checks.Failed, "there are 2 Deployments of cert-manager's controller", "leave one"},
		"none":        {func(_ *world, c *Cluster) { c.Workloads = nil }, checks.Note, "no Deployment of cert-manager's controller was found", "if cert-manager runs elsewhere"},
		"GitOps": {func(_ *world, c *Cluster) { c.Workloads[0].Owner = "Argo CD Application platform" }, checks.Note,
			"cert-manager belongs to Argo CD Application platform, which may put back", "suspend it"},
		"nothing changes": {func(_ *world, c *Cluster) {
			c.Prospects = []Prospect{{"shop", "a", "stays", ""}, {"shop", "b", "stays", ""}}
		}, checks.OK, "2 Certificate(s) stay as they are", ""},
		"a re-issue": {func(_ *world, c *Cluster) {
			c.Prospects = []Prospect{{"shop", "web", "reissues", "the Secret is empty"}}
		}, checks.Note,
			"1 Certificate(s) would be issued anew, as what they have does not do\nshop/web: the Secret is empty", "cert-manager would do so too"},
		"work":       {func(_ *world, c *Cluster) { c.Underway = []Underway{{"Order", "shop", "web-1-2", "pending"}} }, checks.OK, "under way and to be finished by certwright: 1 Order (pending)", ""},
		"unreadable": {func(_ *world, c *Cluster) { c.Unread = []string{"work under way: forbidden"} }, checks.Note, "could not be looked at: work under way: forbidden", "ask for the right"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := w.read(t)
			slices.SortFunc(c.Workloads, func(a, b Workload) int { return strings.Compare(a.Name, b.Name) })
			if row.change != nil {
				row.change(w, &c)
			}
			for _, f := range Check(c) {
				if f.Verdict == row.verdict && strings.HasPrefix(f.Text, row.text) && strings.HasPrefix(f.Remedy, row.remedy) {
					return
				}
			}
			t.Errorf("got %+v", Check(c))
		})
	}
}

// Every word of handlers/certificates has words here; a test there holds them
// against each other the other way.
func TestOutlooksAreTold(t *testing.T) {
	t.Parallel()
	for _, o := range outlooks {
		found := checkProspects(Cluster{Prospects: []Prospect{{"ns", "name", o.name, "why"}}})
		if len(found) != 1 || found[0].Verdict != o.verdict {
			t.Errorf("%s: got %+v", o.name, found)
		}
	}
}

func TestOldDefinitionsAreServedPlainly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := crd(Definitions[0])
	if err := unstructured.SetNestedField(o.Object, "Webhook", "spec", "conversion", "strategy"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.dynamic.Resource(definitionsOf).Update(t.Context(), o, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if did := w.move(t, There); !slices.Contains(did, "plain-crds") {
		t.Errorf("steps: %v", did)
	}
	if c := w.read(t); c.Definitions[0].Converts {
		t.Error("it is still converted by a webhook")
	}
}

// Its configurations are known by their webhooks when its Deployment is gone.
func TestConfigurationsWithoutWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.kube.AppsV1().Deployments("cert-manager").Delete(t.Context(), "cert-manager-webhook", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if c := w.read(t); len(c.Configurations) != 1 || c.Configurations[0].Kind != kindMutating {
		t.Errorf("got %v", c.Configurations)
	}
}

// A configuration that came after the first step is in no ConfigMap.
func TestUnkeptConfigurationIsNotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.read(t)
	if err := w.mover().Do(t.Context(), c, There(c)[0], There); err != nil {
		t.Fatal(err)
	}
	if _, err := w.kube.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(t.Context(), hooks("came-later", "cert-manager-webhook"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c = w.read(t)
	for _, s := range There(c) {
		if s.Name == "unhook" {
			if err := w.mover().Do(t.Context(), c, s, There); !errors.Is(err, errNotKept) || !strings.Contains(err.Error(), "came-later") {
				t.Errorf("got %v", err)
			}
		}
	}
}

// Pods that do not end are waited for, and named.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kube.PrependReactor("update", "deployments", func(a ktesting.Action) (bool, runtime.Object, error) { return true, nil, nil })
	m, c := w.mover(), w.read(t)
	c.Saved = &Saved{}
	m.Patience = 1
	var said []string
	m.Said = func(s string) { said = append(said, s) }
	err := m.Do(t.Context(), c, There(c)[1], There)
	if err == nil || !strings.Contains(err.Error(), "step stop-cainjector is not done after 1ns: 1 pod(s) of Deployment cert-manager/cert-manager-cainjector are still there") || len(said) == 0 {
		t.Errorf("got %v, said %v", err, said)
	}
}

func TestMissingRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kube.PrependReactor("list", "deployments", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(appsv1.Resource("deployments"), "", errors.New("no"))
	})
	if _, err := w.reader().Read(t.Context(), now); !apierrors.IsForbidden(err) {
		t.Errorf("got %v", err)
	}
}

func TestDamagedConfigMap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, err := Saved{}.configMap("cert-manager")
	if err != nil {
		t.Fatal(err)
	}
	m.Data["before.json"] = "{"
	if _, err := w.kube.CoreV1().ConfigMaps("cert-manager").Create(t.Context(), m, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.reader().Read(t.Context(), now); err == nil || !strings.Contains(err.Error(), "before.json cannot be read") {
		t.Errorf("got %v", err)
	}
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]Effect{
		"--max-concurrent-challenges=60": Default, "--max-concurrent-challenges=10": Same, "--kube-api-qps=100": Same,
		"--feature-gates=X=true": Without, "--metrics-tls-cert-file=/tls.crt": Without, "--log-flush-frequency=5s": Without,
		"--no-such-flag": Unknown, "--config=/etc/cert-manager.yaml": Unknown, "--max-concurrent-challenges=many": Unknown,
		"--controllers=*,-certificaterequests-approver": Same, "-v=2": Same, "--v=0": Default,
		"--enable-certificate-owner-ref": Same, "--enable-certificate-owner-ref=false": Default,
		"--acme-http01-solver-image=quay.io/jetstack/cert-manager-acmesolver:v1.21.2": Same,
	} {
		if got := Translate([]string{arg}).Flags[0]; got.Effect != want {
			t.Errorf("%s: got %+v, want %s", arg, got, want)
		}
	}
}
