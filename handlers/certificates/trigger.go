package certificates

import (
	"fmt"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
)

// Reasons of the API contract, section 1.2.
const (
	reasonDoesNotExist     = "DoesNotExist"
	reasonMissingData      = "MissingData"
	reasonInvalidKeyPair   = "InvalidKeyPair"
	reasonInvalidCert      = "InvalidCertificate"
	reasonIncorrectIssuer  = "IncorrectIssuer"
	reasonIncorrectCert    = "IncorrectCertificate"
	reasonSecretMismatch   = "SecretMismatch"
	reasonInvalidRequest   = "InvalidCertificateRequest"
	reasonRequestChanged   = "RequestChanged"
	reasonRenewing         = "Renewing"
	reasonWindowError      = "WindowError"
	reasonExpired          = "Expired"
	reasonTemporary        = "TemporaryCertificate" // ours
	reasonReady            = "Ready"
	reasonInvalidSpec      = "InvalidSpec" // ours: the reference refuses such a spec at admission
	messageReady           = "Certificate is up to date and has not expired"
	messageIssuedAnew      = "The certificate has been successfully issued"
	messageTemporary       = "Issued temporary certificate"
	messageFailed          = "The certificate request has failed to complete and will be retried: "
	reasonIssuing          = "Issuing"
	reasonCannotRegenerate = "CannotRegenerateKey"
	reasonNameTaken        = "RequestNameTaken" // ours
)

// Finding is what is wrong with a Secret; the zero Finding is nothing.
type Finding struct{ Reason, Message string }

func (f Finding) found() bool { return f.Reason != "" }

// mends reports whether issuing anew repairs what somebody else did, rather
// than following the spec, a person's wish or the calendar.
func (f Finding) mends() bool {
	switch f.Reason {
	case "", reasonRequestChanged, reasonRenewing, reasonWindowError, reasonExpired:
		return false
	}
	return true
}

func finding(reason, format string, args ...any) Finding {
	return Finding{reason, fmt.Sprintf(format, args...)}
}

// check is one line of the chain.
type check func(o *Observed) Finding

// chain is the trigger chain of the contract, in its order: the first finding
// is the reason to issue anew. It reads as a checklist of a good Secret.
var chain = []check{
	secretExists,
	secretHasData,
	secretIsPair,
	secretIsFinal,
	secretHasIssuer,
	secretHasCertificate,
	keyMatchesSpec,
	keyMatchesRequest,
	requestMatchesSpec,
}

// inspect runs the chain.
func inspect(o *Observed) Finding {
	for _, c := range chain {
		if f := c(o); f.found() {
			return f
		}
	}
	return Finding{}
}

func secretExists(o *Observed) Finding {
	if o.Secret == nil {
		return finding(reasonDoesNotExist, "Issuing certificate as Secret does not exist")
	}
	return Finding{}
}

func secretHasData(o *Observed) Finding {
	switch {
	case len(o.Secret.Data) == 0:
		return finding(reasonMissingData, "Issuing certificate as Secret does not contain any data")
	case len(o.Secret.Data[corev1.TLSPrivateKeyKey]) == 0:
		return finding(reasonMissingData, "Issuing certificate as Secret does not contain a private key (%s)", corev1.TLSPrivateKeyKey)
	case len(o.Secret.Data[corev1.TLSCertKey]) == 0:
		return finding(reasonMissingData, "Issuing certificate as Secret does not contain a certificate (%s)", corev1.TLSCertKey)
	}
	return Finding{}
}

func secretIsPair(o *Observed) Finding {
	switch {
	case o.Stored.KeyErr != nil:
		return finding(reasonInvalidKeyPair, "Issuing certificate as Secret contains an invalid private key: %v", o.Stored.KeyErr)
	case o.Stored.CertErr != nil:
		return finding(reasonInvalidCert, "Issuing certificate as Secret contains an invalid certificate: %v", o.Stored.CertErr)
	case !pki.SamePublicKey(o.Stored.Key.Public(), o.Stored.Certificate.PublicKey):
		return finding(reasonInvalidKeyPair, "Issuing certificate as the private key in the Secret does not belong to its certificate")
	}
	return Finding{}
}

// secretIsFinal is ours: a temporary certificate never counts as issued.
func secretIsFinal(o *Observed) Finding {
	if pki.IsTemporary(o.Stored.Certificate, o.Certificate) {
		return finding(reasonTemporary, "Issuing certificate as Secret contains a temporary certificate")
	}
	return Finding{}
}

// issuerAnnotations say on a Secret who issued what it holds.
var issuerAnnotations = [...]string{cmapi.IssuerNameAnnotationKey, cmapi.IssuerKindAnnotationKey, cmapi.IssuerGroupAnnotationKey}

func issuerOf(s *corev1.Secret) cmmeta.IssuerReference {
	a := s.Annotations
	return cmmeta.IssuerReference{Name: a[cmapi.IssuerNameAnnotationKey], Kind: a[cmapi.IssuerKindAnnotationKey], Group: a[cmapi.IssuerGroupAnnotationKey]}
}

// secretHasIssuer lets a Secret that names no issuer at all, such as one that was
// there before its Certificate, be one of an Issuer, as the reference does.
func secretHasIssuer(o *Observed) Finding {
	was, said := issuerOf(o.Secret), false
	for _, key := range issuerAnnotations {
		_, has := o.Secret.Annotations[key]
		said = said || has
	}
	if !said {
		was.Name = o.Certificate.Spec.IssuerRef.Name
	}
	if api.IssuerRef(was) != api.IssuerRef(o.Certificate.Spec.IssuerRef) {
		return finding(reasonIncorrectIssuer, "Issuing certificate as Secret was previously issued by %q", api.DescribeIssuer(was))
	}
	return Finding{}
}

func secretHasCertificate(o *Observed) Finding {
	if was, ok := o.Secret.Annotations[cmapi.CertificateNameKey]; ok && was != o.Certificate.Name {
		return finding(reasonIncorrectCert, "Issuing certificate as Secret was issued for Certificate %q", was)
	}
	return Finding{}
}

func keyMatchesSpec(o *Observed) Finding {
	spec, err := pki.KeySpecOf(o.Certificate)
	if err != nil {
		return finding(reasonSecretMismatch, "%v", err)
	}
	if v := pki.KeyViolations(o.Stored.Key.Public(), spec); len(v) > 0 {
		return finding(reasonSecretMismatch, "Existing private key is not up to date for %s", strings.Join(v, ", "))
	}
	return Finding{}
}

func keyMatchesRequest(o *Observed) Finding {
	if o.Current == nil {
		return Finding{}
	}
	csr, err := pki.ParseRequest(o.Current.Spec.Request)
	if err != nil {
		return finding(reasonInvalidRequest, "CertificateRequest %q cannot be read: %v", o.Current.Name, err)
	}
	if !pki.SamePublicKey(o.Stored.Key.Public(), csr.PublicKey) {
		return finding(reasonSecretMismatch, "Secret contains a private key that does not match CertificateRequest %q", o.Current.Name)
	}
	if api.RequestIssued(o.Current) && !o.holds(o.Current) {
		// The key may serve two requests in turn: one made anew after an edit
		// takes over the key that was kept for it.
		return finding(reasonSecretMismatch, "Secret contains another certificate than the one of CertificateRequest %q", o.Current.Name)
	}
	return Finding{}
}

func requestMatchesSpec(o *Observed) Finding {
	if o.Current != nil {
		if v := pki.RequestViolations(o.Current, o.Certificate); len(v) > 0 {
			return finding(reasonRequestChanged, "Fields on existing CertificateRequest resource not up to date: %s", strings.Join(v, ", "))
		}
		return Finding{}
	}
	if v := pki.CertificateViolations(o.Stored.Certificate, o.Certificate); len(v) > 0 {
		return finding(reasonSecretMismatch, "Existing issued Secret is not up to date for spec: %s", strings.Join(v, ", "))
	}
	return Finding{}
}

// nearsEnd closes the chain when asking whether to issue.
func nearsEnd(o *Observed, now time.Time) Finding {
	at, windowErr := renewalTime(o)
	switch {
	case at == nil || now.Before(o.renewsAt(*at)):
		return Finding{}
	case windowErr != nil:
		return finding(reasonWindowError, "%v: renewing outside them", windowErr)
	}
	return finding(reasonRenewing, "Renewing certificate as renewal was scheduled at %s", at.UTC().Format(time.RFC1123))
}

// hasExpired closes the chain when asking whether the Certificate is Ready.
func hasExpired(o *Observed, now time.Time) Finding {
	if o.expired(now) {
		return finding(reasonExpired, "Certificate expired on %s", o.Stored.Certificate.NotAfter.UTC().Format(time.RFC1123))
	}
	return Finding{}
}

func (o *Observed) expired(now time.Time) bool { return !now.Before(o.Stored.Certificate.NotAfter) }
