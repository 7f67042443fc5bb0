package http01

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/challenges"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"
	gatewayfake "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned/fake"
	"sigs.k8s.io/yaml"
)

// world is a cluster with one daemon, whose cache shows what it is told to.
type world struct {
	t       *testing.T
	kube    *kubefake.Clientset
	gateway *gatewayfake.Clientset
	clock   *clocktesting.FakePassiveClock
	solver  *Solver

	solving []*cmacme.Challenge // what the cache shows
	writes  []string            // as in "create ingresses shop/web"
	// fault decides what is answered to a write instead of doing it.
	fault func(write string) error
}

func (w *world) SolvingHTTP01(namespace string) []*cmacme.Challenge {
	var found []*cmacme.Challenge
	for _, ch := range w.solving {
		if ch.Namespace == namespace {
			found = append(found, ch)
		}
	}
	return found
}

func newWorld(t *testing.T, s Settings, objects ...runtime.Object) *world {
	t.Helper()
	w := &world{
		t: t, kube: kubefake.NewClientset(objects...), gateway: gatewayfake.NewClientset(),
		clock: clocktesting.NewFakePassiveClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
	}
	for _, f := range []*clienttesting.Fake{&w.kube.Fake, &w.gateway.Fake} {
		f.PrependReactor("*", "*", w.react)
	}
	w.restart(s)
	return w
}

// restart is another daemon on the same cluster.
func (w *world) restart(s Settings) {
	w.solver = New(API{
		Ingresses: w.kube.NetworkingV1(), Services: w.kube.CoreV1(), Pods: w.kube.CoreV1(),
		Slices: w.kube.DiscoveryV1(), Routes: w.gateway.GatewayV1(),
	}, w, s, w.clock)
}

func (w *world) react(a clienttesting.Action) (bool, runtime.Object, error) {
	name := ""
	switch a := a.(type) {
	case clienttesting.CreateAction: // an update is one, too
		o := a.GetObject().(metav1.Object)
		name = o.GetName()
		if a.GetVerb() == "create" && o.GetUID() == "" {
			o.SetUID(types.UID("uid-of-" + name))
		}
	case clienttesting.DeleteAction:
		name = a.GetName()
	}
	if verb := a.GetVerb(); verb != "create" && verb != "update" && verb != "delete" && verb != "patch" {
		return false, nil, nil
	}
	write := a.GetVerb() + " " + a.GetResource().Resource + " " + a.GetNamespace() + "/" + name
	if w.fault != nil {
		if err := w.fault(write); err != nil {
			w.writes = append(w.writes, write+": "+err.Error())
			return true, nil, err
		}
	}
	w.writes = append(w.writes, write)
	return false, nil, nil
}

// wrote compares the writes since the last call.
func (w *world) wrote(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.writes, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("writes (-want +got):\n%s", diff)
	}
	w.writes = nil
}

func (w *world) present(ch *cmacme.Challenge) {
	w.t.Helper()
	if err := w.solver.Present(context.Background(), challenges.Task{Challenge: ch}); err != nil {
		w.t.Errorf("Present: %v", err)
	}
}

func (w *world) remove(ch *cmacme.Challenge) {
	w.t.Helper()
	if err := w.solver.Remove(context.Background(), challenges.Task{Challenge: ch}); err != nil {
		w.t.Errorf("Remove: %v", err)
	}
}

// at shows challenges as under way.
func (w *world) at(all ...*cmacme.Challenge) { w.solving = all }

// fails expects a Fault whose text has these words.
func (w *world) fails(err error, words ...string) {
	w.t.Helper()
	var fault *challenges.Fault
	if !errors.As(err, &fault) {
		w.t.Fatalf("no fault: %v", err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			w.t.Errorf("%q lacks %q", err, word)
		}
	}
}

// stored compares an object with how it is written down, but for the version.
func stored[T metav1.Object](w *world, got T, err error, want string) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
		return
	}
	got.SetResourceVersion("")
	got.SetManagedFields(nil)
	expected := new(T)
	if err := yaml.UnmarshalStrict([]byte(want), expected); err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(*expected, got, cmpopts.IgnoreFields(metav1.TypeMeta{}, "Kind", "APIVersion"), cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", got.GetName(), diff)
	}
}

// defaults are settings of a daemon at 192.0.2.10:8089.
func defaults() Settings {
	return Settings{Host: "192.0.2.10", Port: 8089, Unreachable: "--acme-http01-solver-address: unknown", RunAsNonRoot: true, Image: "example.test/certwright:1",
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
		}}
}

func challenge(name, domain string, http *cmacme.ACMEChallengeSolverHTTP01) *cmacme.Challenge {
	return &cmacme.Challenge{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("uid-" + name)},
		Spec: cmacme.ChallengeSpec{
			Type: cmacme.ACMEChallengeTypeHTTP01, DNSName: domain, Token: "token-" + name, Key: "token-" + name + ".print",
			Solver: cmacme.ACMEChallengeSolver{HTTP01: http},
		},
		Status: cmacme.ChallengeStatus{Processing: true},
	}
}

func byIngress(in cmacme.ACMEChallengeSolverHTTP01Ingress) *cmacme.ACMEChallengeSolverHTTP01 {
	return &cmacme.ACMEChallengeSolverHTTP01{Ingress: &in}
}
