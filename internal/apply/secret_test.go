package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/certwright/certwright/internal/apply"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
)

// applied applies contents one after the other, with what others do between
// them, and returns the Secret in the end. The clientset's field manager is
// the API server's own.
func applied(t *testing.T, client *fake.Clientset, contents ...apply.Content) *corev1.Secret {
	t.Helper()
	var s *corev1.Secret
	for _, c := range contents {
		var err error
		if s, err = apply.Secret(t.Context(), client.CoreV1(), c); err != nil {
			t.Fatal(err)
		}
		if !c.Matches(s) {
			t.Errorf("what was just applied does not match: %+v", s)
		}
	}
	return s
}

func others(t *testing.T, client *fake.Clientset, edit func(*corev1.Secret)) {
	t.Helper()
	secrets := client.CoreV1().Secrets("team")
	s, err := secrets.Get(t.Context(), "web-tls", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	edit(s)
	if _, err := secrets.Update(t.Context(), s, metav1.UpdateOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
}

func TestApplyMakesTheSecret(t *testing.T) {
	t.Parallel()
	got := applied(t, fake.NewClientset(), content())
	want := stored()
	if got.Type != want.Type || cmp.Diff(want.Data, got.Data)+cmp.Diff(want.Labels, got.Labels)+cmp.Diff(want.Annotations, got.Annotations) != "" {
		t.Errorf("got %+v", got)
	}
}

// What we no longer put there goes; what others put there stays, and what they
// changed of ours is ours again.
func TestApplyTakesAwayWhatIsOurs(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	applied(t, client, content(func(c *apply.Content) {
		c.Labels["app"], c.Annotations["reload"], c.Data["key.der"] = "shop", "yes", []byte("der")
	}))
	others(t, client, func(s *corev1.Secret) {
		s.Labels["team"], s.Annotations["seen"], s.Data["extra"] = "a", "b", []byte("c")
		s.Data["tls.key"] = []byte("theirs")
	})
	got := applied(t, client, content())
	want := map[string]string{"controller.cert-manager.io/fao": "true", "team": "a"}
	if diff := cmp.Diff(want, got.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"cert-manager.io/alt-names": "web.example.com", "cert-manager.io/ip-sans": "", "seen": "b"}, got.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]byte{"tls.crt": []byte("chain"), "tls.key": []byte("key"), "extra": []byte("c")}, got.Data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

// The owner comes and goes with the setting; owners of others stay.
func TestApplyOwner(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	applied(t, client, content())
	others(t, client, func(s *corev1.Secret) {
		s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "x", UID: "uid-x"}}
	})
	owning := content(func(c *apply.Content) {
		c.Owner = &metav1.OwnerReference{APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: "web", UID: "uid-web"}
	})
	got := applied(t, client, owning)
	yes := true
	want := []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "ConfigMap", Name: "x", UID: "uid-x"},
		{APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: "web", UID: "uid-web", Controller: &yes, BlockOwnerDeletion: &yes},
	}
	if diff := cmp.Diff(want, got.OwnerReferences); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	got = applied(t, client, content())
	if diff := cmp.Diff(want[:1], got.OwnerReferences); diff != "" {
		t.Errorf("owners in the end (-want +got):\n%s", diff)
	}
}

// An error says which Secret, and none of its content.
func TestApplyFails(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	refused := errors.New("forbidden")
	client.PrependReactor("patch", "secrets", func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, refused })
	_, err := apply.Secret(t.Context(), client.CoreV1(), content())
	if !errors.Is(err, refused) || !strings.Contains(err.Error(), `"web-tls"`) || strings.Contains(err.Error(), "chain") {
		t.Errorf("got %v", err)
	}
}

func TestOurs(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		e    metav1.ManagedFieldsEntry
		want bool
	}{
		"our apply":              {ours(fields), true},
		"our update":             {entry("cert-manager-certificates-issuing", metav1.ManagedFieldsOperationUpdate, fields), false},
		"an apply of another":    {entry("kubectl", metav1.ManagedFieldsOperationApply, fields), false},
		"an entry without words": {metav1.ManagedFieldsEntry{}, false},
	} {
		if got := apply.Ours(row.e); got != row.want {
			t.Errorf("%s: got %t, want %t", name, got, row.want)
		}
	}
}
