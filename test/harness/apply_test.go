package harness

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestParseManifestsReadsEveryDocument(t *testing.T) {
	got, err := ParseManifests([]byte("# only a comment\n---\nkind: One\n---\n---\nkind: Two\nspec: {country: \"NO\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].GetKind() != "One" || got[1].GetKind() != "Two" {
		t.Errorf("parsed %v", got)
	}
	if _, err := ParseManifests([]byte("kind: [")); err == nil {
		t.Error("a broken document was taken")
	}
}

func TestShippedManifestsCanBeRead(t *testing.T) {
	for _, name := range []string{"crds", "rbac", "examples"} {
		dir, err := Folder("deploy", name)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := ReadManifests(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			if object.GetKind() == "" || object.GetName() == "" || object.GetAPIVersion() == "" {
				t.Errorf("deploy/%s has an object without kind or name: %v", name, object.Object)
			}
		}
	}
}

func TestShowConcealsWhatSecretsHold(t *testing.T) {
	text := Show(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "web", ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "somebody"}}},
		Data:       map[string][]byte{"tls.key": []byte("top secret")},
	})
	if strings.Contains(text, "top") || strings.Contains(text, "dG9w") || strings.Contains(text, "somebody") {
		t.Errorf("it shows too much: %s", text)
	}
	if !strings.Contains(text, "tls.key: (10 bytes)") {
		t.Errorf("it shows too little: %s", text)
	}
}
