package dns01

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"

	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// reader reads the credentials of one solver, and notes which version of which
// Secret they come from. Its first error stays.
type reader struct {
	ctx       context.Context
	secrets   Secrets
	namespace string
	versions  []string
	err       error
}

// optional reads a key of a Secret; an empty reference gives nothing.
func (r *reader) optional(field string, ref *cmmeta.SecretKeySelector) string {
	if ref == nil || ref.Name == "" && ref.Key == "" {
		return ""
	}
	return r.value(field, *ref)
}

// value reads a key of a Secret, without the space that editors leave around it.
func (r *reader) value(field string, ref cmmeta.SecretKeySelector) string {
	return strings.TrimSpace(string(r.content(field, ref)))
}

// content reads a key of a Secret as it is.
func (r *reader) content(field string, ref cmmeta.SecretKeySelector) []byte {
	if r.err != nil {
		return nil
	}
	field = "spec.solver.dns01." + field
	switch {
	case ref.Name == "":
		return r.fail(field, "it names no Secret: set name to that of one in the namespace %s", r.namespace)
	case ref.Key == "":
		return r.fail(field, "it names no key: set key to that of the credential in the Secret %s/%s", r.namespace, ref.Name)
	}
	secret, err := r.secrets.Secret(r.ctx, r.namespace, ref.Name)
	if apierrors.IsNotFound(err) {
		return r.fail(field, "there is no Secret %s/%s: create it", r.namespace, ref.Name)
	}
	if err != nil {
		r.err = fmt.Errorf("read Secret %s/%s: %w", r.namespace, ref.Name, err)
		return nil
	}
	content := secret.Data[ref.Key]
	if len(content) == 0 {
		return r.fail(field, "the Secret %s/%s has no key %q, or it is empty: add it, or correct the reference", r.namespace, ref.Name, ref.Key)
	}
	if version := fmt.Sprintf("%s@%s/%s", ref.Name, secret.UID, secret.ResourceVersion); !slices.Contains(r.versions, version) {
		r.versions = append(r.versions, version)
	}
	return content
}

func (r *reader) fail(field, format string, args ...any) []byte {
	r.err = challenges.Faulty("%s: %s", field, fmt.Sprintf(format, args...))
	return nil
}
