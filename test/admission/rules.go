package admission

import (
	"fmt"
	"slices"

	"github.com/certwright/certwright/internal/rules"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// OnRules asks the Go rules.
func OnRules(c Case) (Verdict, error) {
	user := c.Who()
	change := rules.Change{
		New: c.New.DeepCopyObject(), Status: c.Status, User: user.Info(),
		MayApprove: func(signer string) bool { return slices.Contains(user.Approves, signer) },
	}
	if c.Old != nil {
		change.Old = c.Old
	} else if request, is := change.New.(*cmapi.CertificateRequest); is && !c.Unstamped {
		rules.Stamp(request, change.User)
	}
	if faults := change.Faults(); len(faults) > 0 {
		return Verdict{Refused: true, Message: faults.ToAggregate().Error()}, nil
	}
	object, err := Unstructured(change.New)
	return Verdict{Object: object}, err
}

// Unstructured is an object as it goes over the wire.
func Unstructured(object runtime.Object) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", object, err)
	}
	unstructured.RemoveNestedField(content, "metadata", "creationTimestamp")
	if status, is := content["status"].(map[string]any); is && len(status) == 0 {
		delete(content, "status")
	}
	return &unstructured.Unstructured{Object: content}, nil
}
