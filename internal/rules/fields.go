package rules

import (
	"slices"
	"strings"
	"unicode/utf8"

	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// filled wants a text that is not empty.
func filled(path *field.Path, value, remedy string) field.ErrorList {
	if value != "" {
		return nil
	}
	return field.ErrorList{field.Required(path, remedy)}
}

// secretKey wants a Secret's name and a key in it.
func secretKey(path *field.Path, ref *cmmeta.SecretKeySelector) field.ErrorList {
	if ref == nil {
		ref = &cmmeta.SecretKeySelector{}
	}
	return slices.Concat(
		filled(path.Child("name"), ref.Name, "name the Secret"),
		filled(path.Child("key"), ref.Key, "name the key in the Secret"),
	)
}

// oneOf refuses a value that is none of those allowed. Empty stands for the
// default.
func oneOf[T ~string](path *field.Path, value T, allowed ...T) field.ErrorList {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, value, allowed)}
}

// choice is one of several fields that exclude each other.
type choice struct {
	name string
	set  bool
}

// exactlyOne wants one of the fields below path, and not two.
func exactlyOne(path *field.Path, choices ...choice) field.ErrorList {
	var all, set []string
	for _, c := range choices {
		all = append(all, c.name)
		if c.set {
			set = append(set, c.name)
		}
	}
	switch len(set) {
	case 0:
		return field.ErrorList{field.Required(path, "set one of "+strings.Join(all, ", "))}
	case 1:
		return nil
	default:
		return field.ErrorList{field.Forbidden(path, strings.Join(set, " and ")+" exclude each other: keep one")}
	}
}

// apart refuses two fields that exclude each other when both are set.
func apart(path *field.Path, set bool, other string) field.ErrorList {
	if !set {
		return nil
	}
	return field.ErrorList{field.Forbidden(path, "it cannot be set together with "+other+": remove one of the two")}
}

// noClimbing refuses a path that leaves its place: the daemon's token would
// then go to another of Vault's endpoints than the one the path seems to name.
func noClimbing(path *field.Path, value string) field.ErrorList {
	if !slices.Contains(strings.Split(value, "/"), "..") {
		return nil
	}
	return field.ErrorList{field.Invalid(path, value, "a part of it is \"..\": write the path out")}
}

func subdomain(path *field.Path, value string) field.ErrorList {
	if len(validation.IsDNS1123Subdomain(value)) == 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, value, "it is not a name that Kubernetes takes: use lower-case letters, digits, - and .")}
}

func shorterThan(path *field.Path, value string, most int) field.ErrorList {
	if utf8.RuneCountInString(value) <= most {
		return nil
	}
	return field.ErrorList{field.TooLong(path, value, most)}
}
