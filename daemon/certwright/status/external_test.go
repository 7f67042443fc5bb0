package status

import (
	"context"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/certwright/certwright/internal/verdict"
)

// What another group's issuer says of itself explains why it does not sign.
func TestAnExternalIssuer(t *testing.T) {
	ref := func(c *cmapi.Certificate) {
		c.Spec.IssuerRef = cmmeta.IssuerReference{Name: "pca", Kind: "AWSPCAIssuer", Group: "awspca.cert-manager.io"}
	}
	says := func(conditions ...any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": conditions}}}
	}
	kind := schema.GroupKind{Group: "awspca.cert-manager.io", Kind: "AWSPCAIssuer"}
	for name, r := range map[string]struct {
		object  *unstructured.Unstructured
		err     error
		state   verdict.IssuerState
		because string
		remedy  string
	}{
		"missing": {nil, apierrors.NewNotFound(schema.GroupResource{Resource: "awspcaissuers"}, "pca"), verdict.IssuerMissing,
			"There is no AWSPCAIssuer.awspca.cert-manager.io/pca.", "Create it, or correct spec.issuerRef (name, kind and group)."},
		"not ready": {says(map[string]any{"type": "Ready", "status": "False", "reason": "Error", "message": "no such CA"}), nil, verdict.IssuerNotReady,
			"The issuer is not ready and says: Error: no such CA.", "Mend the issuer; the certificate follows by itself."},
		"ready": {says(map[string]any{"type": "Other"}, map[string]any{"type": "Ready", "status": "True"}), nil, verdict.IssuerReady,
			"The request has no Ready condition yet.", "Look at the log of the controller that serves group awspca.cert-manager.io."},
		"without conditions": {says(), nil, "", "The request has no Ready condition yet.", "Look at the log of the controller that serves group awspca.cert-manager.io."},
		"not ours to read": {nil, apierrors.NewForbidden(schema.GroupResource{Resource: "awspcaissuers"}, "pca", nil), "",
			"The request has no Ready condition yet.", "Look at the log of the controller that serves group awspca.cert-manager.io."},
	} {
		t.Run(name, func(t *testing.T) {
			reader, _, _ := reader([]runtime.Object{certificate(issuing, ref), request("1", approved())})
			reader.External = func(_ context.Context, k schema.GroupKind, namespace, name string) (*unstructured.Unstructured, error) {
				if k != kind || namespace != "ns" || name != "pca" {
					t.Errorf("asked for %s %s/%s", k, namespace, name)
				}
				return r.object, r.err
			}
			o, err := reader.One(t.Context(), "ns", "web")
			if err != nil {
				t.Fatal(err)
			}
			if v := verdict.Explain(o, now); o.Issuer.External != r.state || v.Because != r.because || v.Remedy != r.remedy {
				t.Errorf("got %q, %+v, want %q, %q, %q", o.Issuer.External, v, r.state, r.because, r.remedy)
			}
			if unread := len(o.Unread) > 0; unread != apierrors.IsForbidden(r.err) {
				t.Errorf("unread: %q", o.Unread)
			}
		})
	}
}
