package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"

	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What an external issuer lacks is told in its words, and read once for many.
func TestExternalIssuers(t *testing.T) {
	t.Parallel()
	ref := cmmeta.IssuerReference{Name: "pca", Kind: "AWSPCAIssuer", Group: "awspca.cert-manager.io"}
	says := func(conditions ...any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": conditions}}}
	}
	for name, r := range map[string]struct {
		object *unstructured.Unstructured
		err    error
		want   string
	}{
		"not ready": {says(map[string]any{"type": "Ready", "status": "False", "message": "no such CA"}), nil,
			"spec.issuerRef: AWSPCAIssuer.awspca.cert-manager.io/pca is not ready: no such CA"},
		"not ready, without a word": {says(map[string]any{"type": "Ready", "status": "Unknown"}), nil, "AWSPCAIssuer.awspca.cert-manager.io/pca is not ready"},
		"ready":                     {says(map[string]any{"type": "Ready", "status": "True"}), nil, ""},
		"without conditions":        {says(), nil, ""},
		"of another form":           {&unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": "good"}}}, nil, ""},
		"missing":                   {nil, apierrors.NewNotFound(schema.GroupResource{Resource: "awspcaissuers"}, "pca"), "pca does not exist: create it"},
		"no such kind":              {nil, &meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "AWSPCAIssuer"}}, "does not know the kind AWSPCAIssuer"},
		"not ours to read":          {nil, apierrors.NewForbidden(schema.GroupResource{Resource: "awspcaissuers"}, "pca", nil), ""},
		"unreachable":               {nil, errors.New("away"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reads := 0
			ask := externalIssuers(func(_ context.Context, k schema.GroupKind, namespace, name string) (*unstructured.Unstructured, error) {
				reads++
				if k.Kind != ref.Kind || k.Group != ref.Group || namespace != "team" || name != "pca" {
					t.Errorf("read %s %s/%s", k, namespace, name)
				}
				return r.object, r.err
			})
			for range 3 {
				if got := ask(t.Context(), "team", ref); !strings.Contains(got, r.want) || (r.want == "") != (got == "") {
					t.Errorf("got %q, want %q", got, r.want)
				}
			}
			if reads != 1 {
				t.Errorf("read %d times, want once", reads)
			}
		})
	}
}
