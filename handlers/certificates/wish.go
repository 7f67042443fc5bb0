package certificates

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

// The words of the annotation certwright.dev/revoke.
const (
	onDeletion  = "on-deletion"
	onKeyChange = "on-key-change"
)

// reasonBadConfig is what other handlers call an annotation that makes no sense.
const reasonBadConfig = "BadConfig" // ours

const (
	revokeField  = "metadata.annotations[" + api.RevokeAnnotation + "]"
	revokeRemedy = "use " + onDeletion + ", " + onKeyChange + " or both with a comma between, or remove the annotation"
)

// wishes are the occasions on which a Certificate asks for revocation. Commas
// are between them, or blanks, which nobody can mean otherwise.
func wishes(crt *cmapi.Certificate) []string {
	return strings.FieldsFunc(crt.Annotations[api.RevokeAnnotation], func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

// asksFor reports whether a Certificate asks for revocation on an occasion.
func asksFor(crt *cmapi.Certificate, occasion string) bool {
	return slices.Contains(wishes(crt), occasion)
}

// misread is what is wrong with the wishes of a Certificate; empty when nothing
// is. Those that are understood hold all the same.
func (o *Observed) misread() string {
	if _, asked := o.Certificate.Annotations[api.RevokeAnnotation]; !asked {
		return ""
	}
	all := wishes(o.Certificate)
	if len(all) == 0 {
		return revokeField + ": it is empty: " + revokeRemedy
	}
	var faults []string
	unknown := slices.IndexFunc(all, func(w string) bool { return w != onDeletion && w != onKeyChange })
	if unknown >= 0 {
		faults = append(faults, fmt.Sprintf("unknown word %.40q: %s", all[unknown], revokeRemedy))
	}
	if o.Unrevoking && (asksFor(o.Certificate, onDeletion) || asksFor(o.Certificate, onKeyChange)) {
		faults = append(faults, fmt.Sprintf("%s cannot revoke, only issuers of type acme can: use one of those, or remove the annotation",
			api.DescribeIssuer(o.Certificate.Spec.IssuerRef)))
	}
	if len(faults) == 0 {
		return ""
	}
	return revokeField + ": " + strings.Join(faults, "; ")
}

// unrevoking reports whether it is certain that an issuer cannot revoke. Of one
// that is not there nobody knows.
func unrevoking(ref cmmeta.IssuerReference, issuer cmapi.GenericIssuer) bool {
	if issuer == nil {
		return !api.OwnGroup(ref)
	}
	return issuer.GetSpec().ACME == nil
}

// aside is what the message of Ready=True goes on with. What is wrong with the
// wishes stays in it once [Observed.complain] has told it, so that it is told
// once, by whichever process.
func (o *Observed) aside() string {
	var parts []string
	if o.DressFault != "" {
		parts = append(parts, "the Secret is incomplete: "+o.DressFault)
	}
	said := o.misread()
	if ready := api.CertificateCondition(o.Certificate, cmapi.CertificateConditionReady); said != "" && ready != nil && strings.HasSuffix(ready.Message, said) {
		parts = append(parts, said)
	}
	if len(parts) == 0 {
		return ""
	}
	return "; but " + strings.Join(parts, "; and ")
}

// complain adds to next, which is Ready, what is wrong with the wishes, and
// returns the event for it; nil when it is told already, or nothing is wrong.
func (o *Observed) complain(next *cmapi.Certificate) *Event {
	said := o.misread()
	ready := api.CertificateCondition(next, cmapi.CertificateConditionReady)
	if said == "" || ready.Status != cmmeta.ConditionTrue || strings.HasSuffix(ready.Message, said) {
		return nil
	}
	joint := "; but "
	if o.DressFault != "" {
		joint = "; and "
	}
	ready.Message += joint + said
	return warning(reasonBadConfig, said)
}
