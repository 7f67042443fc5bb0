package bundles

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/certwright/certwright/test/e2e/suite"
)

// Each kind gets the CA of a Certificate, and the next one beside it when that
// is made anew; other changes of the object stay, and lead to no write.
func TestEveryKindFromACertificate(t *testing.T) {
	for name, g := range targets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := world.Space(t)
			o := g.create(s, "inject-ca-from", s.Namespace+"/web")
			s.SelfSigned("self")
			s.Issue("web", suite.IssuerRef("self"))
			first := string(s.AwaitSecret("web", complete).Data["ca.crt"])
			g.await(s, o.GetName(), first)

			s.Must(s.Kube.CoreV1().Secrets(s.Namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}))
			second := string(s.AwaitSecret("web", func(secret *corev1.Secret) bool {
				return complete(secret) && string(secret.Data["ca.crt"]) != first
			}).Data["ca.crt"])
			g.await(s, o.GetName(), first+second)

			g.patch(s, o.GetName(), `{"metadata":{"labels":{"by":"hand"}}}`)
			before := g.get(s, o.GetName())
			pass(t)
			after := g.get(s, o.GetName())
			if after.GetLabels()["by"] != "hand" || before.GetGeneration() != after.GetGeneration() {
				t.Errorf("it was written again, or something was lost: %v", after.GetLabels())
			}
			if n := g.patches(s, o.GetName()); n != 2 {
				t.Errorf("%d writes for two CAs", n)
			}
		})
	}
}

func complete(s *corev1.Secret) bool { return len(s.Data["ca.crt"]) > 0 }

// pass has the daemon inject into another object, so that whatever it had left
// to do for an earlier one has begun.
func pass(t *testing.T) {
	t.Helper()
	s := world.Space(t)
	g := targets["validating"]
	s.SelfSigned("self")
	s.Issue("fence", suite.IssuerRef("self"))
	o := g.create(s, "inject-ca-from", s.Namespace+"/fence")
	g.await(s, o.GetName(), string(s.AwaitSecret("fence", complete).Data["ca.crt"]))
}

// patches counts the daemon's writes to an object, as the API server has them.
func (g target) patches(s *suite.Space, name string) (n int) {
	s.Helper()
	entries, err := world.Audit(world.Account.Username())
	s.Must(err)
	for _, e := range entries {
		if e.Writes() && e.Resource == g.resource.Resource && e.Name == name {
			n++
		}
	}
	return n
}

// A Secret is injected only where it permits that, and its owner is told how.
func TestDirectInjection(t *testing.T) {
	t.Parallel()
	s := world.Space(t)
	g := targets["validating"]
	s.SelfSigned("self")
	s.Issue("web", suite.IssuerRef("self"))
	ca := s.AwaitSecret("web", complete).Data["ca.crt"]
	s.PutSecret(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "ca"}, Data: map[string][]byte{"ca.crt": ca}})
	o := g.create(s, "inject-ca-from-secret", s.Namespace+"/ca")
	awaitEvent(s, o.GetName(), "InjectionNotAllowed", `annotate the Secret with cert-manager.io/allow-direct-injection: "true"`)
	if got := g.bundles(s, g.get(s, o.GetName())); got[0] != "" {
		t.Errorf("it was injected nevertheless: %s", got[0])
	}
	_, err := s.Kube.CoreV1().Secrets(s.Namespace).Patch(t.Context(), "ca", types.MergePatchType,
		[]byte(`{"metadata":{"annotations":{"cert-manager.io/allow-direct-injection":"true"}}}`), metav1.PatchOptions{})
	s.Must(err)
	g.await(s, o.GetName(), string(ca))
}

func TestTheAPIServersCA(t *testing.T) {
	t.Parallel()
	s := world.Space(t)
	g := targets["apiservice"]
	o := g.create(s, "inject-apiserver-ca", "true")
	ctx, cancel := s.Within()
	defer cancel()
	for {
		if got := g.bundles(s, g.get(s, o.GetName()))[0]; strings.Contains(got, "BEGIN CERTIFICATE") {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("there is no bundle")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// awaitEvent is for events about objects without a namespace.
func awaitEvent(s *suite.Space, object, reason, text string) {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	_, err := s.Events().UntilAll(ctx, "default", func(all []*corev1.Event) bool {
		for _, e := range all {
			if e.InvolvedObject.Name == object && e.Reason == reason && strings.Contains(e.Message, text) {
				return true
			}
		}
		return false
	})
	s.Must(err)
}
