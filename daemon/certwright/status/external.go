package status

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/verdict"
)

// readExternal finds out what another group's issuer says of itself. Most have
// a Ready condition, in the form of Kubernetes; of one without, nothing is told.
func (r Reader) readExternal(ctx context.Context, o *Observed) {
	ref := api.IssuerRef(o.Certificate.Spec.IssuerRef)
	object, err := r.External(ctx, schema.GroupKind{Group: ref.Group, Kind: ref.Kind}, o.Certificate.Namespace, ref.Name)
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		o.Issuer.External = verdict.IssuerMissing
	case !noted(o, err, o.Issuer.String()):
	default:
		o.Issuer.External, o.Issuer.Reason, o.Issuer.Message = readiness(object)
	}
}

func readiness(object *unstructured.Unstructured) (state verdict.IssuerState, reason, message string) {
	conditions, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
	if err != nil {
		return "", "", "" // it has a form of its own
	}
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		if condition["type"] != "Ready" {
			continue
		}
		reason, _ := condition["reason"].(string)
		message, _ := condition["message"].(string)
		if condition["status"] == "True" {
			return verdict.IssuerReady, reason, message
		}
		return verdict.IssuerNotReady, reason, message
	}
	return "", "", ""
}
