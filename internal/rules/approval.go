package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/certwright/certwright/internal/api"

	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// verdicts are the two conditions by which a request is let through or not.
var verdicts = []cmapi.CertificateRequestConditionType{
	cmapi.CertificateRequestConditionApproved, cmapi.CertificateRequestConditionDenied}

// Approval checks a write to a request's status: Approved and Denied are only
// ever True, exclude each other and stay as they are once set, and only who may
// approve for the signer sets one. may tells that for one of SignerNames. A
// status that leaves both as they were is not looked at.
func Approval(before, after *cmapi.CertificateRequest, may func(signer string) bool) (all field.ErrorList) {
	path := field.NewPath("status", "conditions")
	var changed, added bool
	for _, t := range verdicts {
		was, is, at := api.RequestCondition(before, t), api.RequestCondition(after, t), path.Key(string(t))
		switch {
		case equality.Semantic.DeepEqual(was, is):
			continue
		case was != nil:
			all = append(all, field.Forbidden(at, madeOnce))
		case is.Status != cmmeta.ConditionTrue:
			all = append(all, field.NotSupported(at.Child("status"), is.Status, []cmmeta.ConditionStatus{cmmeta.ConditionTrue}))
		}
		changed, added = true, added || was == nil
	}
	if changed && api.RequestCondition(after, verdicts[0]) != nil && api.RequestCondition(after, verdicts[1]) != nil {
		all = append(all, field.Forbidden(path, "Approved and Denied exclude each other: set one"))
	}
	if added && !slices.ContainsFunc(SignerNames(after.Namespace, after.Spec.IssuerRef), may) {
		all = append(all, field.Forbidden(path, lacking(after)))
	}
	return all
}

// lacking says what right it takes to approve a request.
func lacking(cr *cmapi.CertificateRequest) string {
	text := "you may not approve or deny for " + api.DescribeIssuer(cr.Spec.IssuerRef)
	names := SignerNames(cr.Namespace, cr.Spec.IssuerRef)
	if names == nil {
		return text + ": the group " + certmanager.GroupName + " has no such kind"
	}
	return fmt.Sprintf("%s: it takes the verb approve on signers.%s of the name %s", text, certmanager.GroupName, strings.Join(names, " or "))
}

// SignerNames are the names of the signer that an issuer reference of a
// namespace stands for, under any of which the right to approve may be given
// (API contract, section 1.5): PLURAL.GROUP/* for all of a kind, then
// PLURAL.GROUP/NAMESPACE.NAME or, for a kind of the cluster, PLURAL.GROUP/NAME.
// For a kind that our own group does not have there is no name.
//
// Of other groups only the kind is known here, since a policy cannot ask what
// its plural is and whether it is namespaced. The plural is the one that
// Kubernetes itself guesses. A kind with Cluster in its name, as every
// cluster-wide external issuer we know has, is one of the cluster. Any other may
// be either, so both forms are taken, but the second only for a name without a
// dot: with one it could have been meant as another namespace's issuer.
func SignerNames(namespace string, issuer cmmeta.IssuerReference) []string {
	ref := api.IssuerRef(issuer)
	prefix := plural(ref.Kind) + "." + ref.Group + "/"
	every, local, global := prefix+"*", prefix+namespace+"."+ref.Name, prefix+ref.Name
	switch {
	case ref.Group == certmanager.GroupName && !api.KnownKind(ref):
		return nil
	case strings.Contains(ref.Kind, "Cluster"):
		return []string{every, global}
	case ref.Group == certmanager.GroupName || strings.Contains(ref.Name, "."):
		return []string{every, local}
	default:
		return []string{every, local, global}
	}
}

// plural is how Kubernetes guesses the resource of a kind.
func plural(kind string) string {
	name := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(name, "s"):
		return name + "es"
	case strings.HasSuffix(name, "y"):
		return strings.TrimSuffix(name, "y") + "ies"
	default:
		return name + "s"
	}
}
