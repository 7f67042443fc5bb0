package pki

import (
	"errors"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// fault is what is wrong with one field of a spec. As an error it reads
// "field: text"; Validate turns it into a field error, so that the same rule
// answers at admission and at work.
type fault struct {
	field string // such as spec.privateKey.size
	value any
	text  string // the fault and the remedy
}

func (f *fault) Error() string { return f.field + ": " + f.text }

func fieldError(err error) *field.Error {
	var f *fault
	if errors.As(err, &f) {
		first, rest, _ := strings.Cut(f.field, ".")
		return field.Invalid(field.NewPath(first, strings.Split(rest, ".")...), f.value, f.text)
	}
	return field.InternalError(nil, err)
}
