package informers

import (
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// dressed puts on an object what kubectl apply and we leave on it.
func dressed[T object](o T) T {
	o.SetAnnotations(map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "{...}", "team": "blue"})
	o.SetManagedFields([]metav1.ManagedFieldsEntry{
		{Manager: "kubectl-client-side-apply", Operation: metav1.ManagedFieldsOperationUpdate},
		{Manager: "cert-manager-certificates-issuing", Operation: metav1.ManagedFieldsOperationUpdate},
		{Manager: "cert-manager-certificates-issuing", Operation: metav1.ManagedFieldsOperationApply},
	})
	return o
}

func TestWhatNoHandlerReadsIsNotCached(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(dressed(certificate("shop", "web", "tls")), dressed(request("shop", "r", "Issuer", "ca")),
			dressed(issuer("shop", "ca", "x")), dressed(clusterIssuer("ca", "x")))
		set, _ := c.watched()
		for _, o := range []object{
			set.Certificate("shop", "web"), set.Request("shop", "r"), set.Issuer("shop", "ca"), set.ClusterIssuer("ca"),
		} {
			if len(o.GetManagedFields()) > 0 {
				t.Errorf("%T: managed fields are cached: %v", o, o.GetManagedFields())
			}
			if diff := cmp.Diff(map[string]string{"team": "blue"}, o.GetAnnotations()); diff != "" {
				t.Errorf("%T: annotations (-want +got):\n%s", o, diff)
			}
		}
	})
}

// Of a Secret the entry of our own apply is kept: it tells what is ours.
func TestOwnSecretsKeepTheMarkOfOurApply(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(dressed(ownSecret("shop", "own")), dressed(foreignSecret("shop", "foreign")))
		set, _ := c.watched()
		for _, name := range []string{"own", "foreign"} {
			s, err := set.Secret(t.Context(), "shop", name)
			if err != nil {
				t.Fatal(err)
			}
			want := []metav1.ManagedFieldsEntry{
				{Manager: "cert-manager-certificates-issuing", Operation: metav1.ManagedFieldsOperationApply}}
			if diff := cmp.Diff(want, s.ManagedFields); diff != "" {
				t.Errorf("%s: managed fields (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff(map[string]string{"team": "blue"}, s.Annotations); diff != "" {
				t.Errorf("%s: annotations (-want +got):\n%s", name, diff)
			}
			if string(s.Data["tls.key"]) != "key" {
				t.Errorf("%s: the data is gone", name)
			}
		}
	})
}

// Of a foreign Secret nothing is cached but that it is there.
func TestForeignSecretsAreCachedByNameOnly(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		s := dressed(foreignSecret("shop", "foreign"))
		s.Labels = map[string]string{"app": "shop"}
		s.OwnerReferences = []metav1.OwnerReference{{Kind: "Pod", Name: "p"}}
		c.put(s)
		set, _ := c.watched()
		got, ok := set.secrets.foreign.get("shop", "foreign")
		if !ok {
			t.Fatal("not in the cache")
		}
		want := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "foreign", UID: "uid-of-foreign", ResourceVersion: "1"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cached (-want +got):\n%s", diff)
		}
	})
}

// A fake clientset may hand out its own objects: a transform may set fields of
// what it is given, but must not edit in place what those fields point to.
func TestTransformsLeaveTheStoredObjectAlone(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		obj       object
		transform func(any) (any, error)
	}{
		{dressed(certificate("shop", "web", "tls")), trim},
		{dressed(ownSecret("shop", "own")), trimSecret},
		{dressed(metadataOf(foreignSecret("shop", "foreign"))), trimMetadata},
	} {
		annotations, managed := row.obj.GetAnnotations(), row.obj.GetManagedFields()
		if _, err := row.transform(row.obj); err != nil {
			t.Fatal(err)
		}
		want := dressed(&cmapi.Certificate{})
		if diff := cmp.Diff(want.Annotations, annotations); diff != "" {
			t.Errorf("%T: annotations were edited in place (-want +got):\n%s", row.obj, diff)
		}
		if diff := cmp.Diff(want.ManagedFields, managed); diff != "" {
			t.Errorf("%T: managed fields were edited in place (-want +got):\n%s", row.obj, diff)
		}
	}
}

func TestALiveReadLeavesTheStoredObjectAlone(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		s := dressed(foreignSecret("shop", "foreign"))
		c.put(s)
		set, _ := c.watched()
		if _, err := set.LiveSecret(t.Context(), "shop", "foreign"); err != nil {
			t.Fatal(err)
		}
		if stored := c.stored(s); len(stored.GetManagedFields()) != 3 || len(stored.GetAnnotations()) != 2 {
			t.Errorf("edited in place: %v, %v", stored.GetManagedFields(), stored.GetAnnotations())
		}
	})
}

// What has nothing to drop is not copied, and what is no object passes.
func TestTransformsOfTheUnusual(t *testing.T) {
	t.Parallel()
	plain := certificate("shop", "web", "tls")
	plain.Annotations = map[string]string{"team": "blue"}
	for _, transform := range []func(any) (any, error){trim, trimSecret, trimMetadata} {
		for _, obj := range []any{nil, "text", plain, &cmapi.Certificate{}, &corev1.ConfigMap{}} {
			got, err := transform(obj)
			if err != nil || got != obj {
				t.Errorf("%T became %T, %v", obj, got, err)
			}
		}
	}
	if diff := cmp.Diff(map[string]string{"team": "blue"}, plain.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}
