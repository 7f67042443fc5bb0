package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Stamp writes into a new request who makes it, in place of whatever stands
// there.
func Stamp(cr *cmapi.CertificateRequest, requester authenticationv1.UserInfo) {
	spec := &cr.Spec
	spec.Username, spec.UID, spec.Groups, spec.Extra = requester.Username, requester.UID, requester.Groups, nil
	for key, values := range requester.Extra {
		if spec.Extra == nil {
			spec.Extra = map[string][]string{}
		}
		spec.Extra[key] = values
	}
}

// requester refuses a request that says it was made by somebody else. One that
// says nothing is taken: where nobody stamps requests, they would all be refused.
func requester(cr *cmapi.CertificateRequest, maker authenticationv1.UserInfo) (all field.ErrorList) {
	spec, path := &cr.Spec, field.NewPath("spec")
	if spec.Username == "" && spec.UID == "" && len(spec.Groups) == 0 && len(spec.Extra) == 0 {
		return nil
	}
	var truth cmapi.CertificateRequest
	Stamp(&truth, maker)
	for _, part := range []struct {
		name       string
		have, want any
	}{
		{"username", spec.Username, truth.Spec.Username}, {"uid", spec.UID, truth.Spec.UID},
		{"groups", spec.Groups, truth.Spec.Groups}, {"extra", spec.Extra, truth.Spec.Extra},
	} {
		if !equality.Semantic.DeepEqual(part.have, part.want) {
			all = append(all, field.Forbidden(path.Child(part.name), "it is not that of who makes the request: leave it out"))
		}
	}
	return all
}

// newRequest checks a request as it is made.
func newRequest(cr *cmapi.CertificateRequest, maker authenticationv1.UserInfo) field.ErrorList {
	all := slices.Concat(issuerRef(cr), requester(cr, maker))
	if err := pki.CheckRequest(cr); err != nil {
		name, text, _ := strings.Cut(err.Error(), ": ")
		all = append(all, &field.Error{Type: field.ErrorTypeInvalid, Field: name, BadValue: field.OmitValueType{}, Detail: text})
	}
	return all
}

func issuerRef(cr *cmapi.CertificateRequest) field.ErrorList {
	ref, path := api.IssuerRef(cr.Spec.IssuerRef), field.NewPath("spec", "issuerRef")
	all := filled(path.Child("name"), ref.Name, "name the Issuer or ClusterIssuer that is to sign")
	if ref.Group == certmanager.GroupName && !api.KnownKind(ref) {
		all = append(all, field.Invalid(path.Child("kind"), ref.Kind, "the group "+ref.Group+" has the kinds Issuer and ClusterIssuer: use one of them, or set issuerRef.group for an external issuer"))
	}
	return all
}

const madeOnce = "it cannot be changed: make a new object"

// requestChange refuses to change what approvers and signers have looked at.
func requestChange(before, after *cmapi.CertificateRequest) field.ErrorList {
	all := sameSpec(&before.Spec, &after.Spec)
	path := field.NewPath("metadata", "annotations")
	keys := maps.Clone(before.Annotations)
	if keys == nil {
		keys = map[string]string{}
	}
	maps.Copy(keys, after.Annotations)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		was, had := before.Annotations[key]
		is, has := after.Annotations[key]
		if ownAnnotation(key) && (had != has || was != is) {
			all = append(all, field.Forbidden(path.Key(key), madeOnce))
		}
	}
	return all
}

func ownAnnotation(key string) bool {
	return strings.HasPrefix(key, certmanager.GroupName+"/") || strings.HasPrefix(key, cmacme.SchemeGroupVersion.Group+"/")
}
