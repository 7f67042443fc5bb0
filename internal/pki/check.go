package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// CheckRequest refuses a CertificateRequest that must not be signed: a request
// that cannot be read or is not signed by its own key, a duration that is not
// positive, an unknown usage, and a CSR whose own key usages, extended key
// usages or CA flag differ from spec.usages and spec.isCA. A CSR without those
// extensions agrees with any spec. The text names the field, its fault and the
// remedy. Template makes all these checks by itself.
func CheckRequest(cr *cmapi.CertificateRequest) error {
	_, err := checkedRequest(cr)
	return err
}

// checkedRequest returns the signing request when CheckRequest has nothing
// against it.
func checkedRequest(cr *cmapi.CertificateRequest) (*x509.CertificateRequest, error) {
	csr, err := ParseRequest(cr.Spec.Request)
	if err != nil {
		return nil, fmt.Errorf("spec.request: %w: create a new request with a valid PEM certificate signing request", err)
	}
	if d := durationOf(cr.Spec.Duration); d <= 0 {
		return nil, fmt.Errorf("spec.duration: %s is not a lifetime: use a positive duration, or leave it out for %s", d, cmapi.DefaultCertificateDuration)
	}
	if err := checkUsages(csr, cr); err != nil {
		return nil, err
	}
	return csr, checkCA(csr, cr.Spec.IsCA)
}

func checkUsages(csr *x509.CertificateRequest, cr *cmapi.CertificateRequest) error {
	basic, extended, err := KeyUsages(cr.Spec.Usages, cr.Spec.IsCA)
	if err != nil {
		return err
	}
	have, err := usagesInRequest(csr)
	if err != nil {
		return fmt.Errorf("spec.request: %w", err)
	}
	if have.hasBasic && have.basic != basic {
		return usageMismatch("key usages", basicNames(have.basic), basicNames(basic))
	}
	if have.hasExtended && (len(have.unknown) > 0 || !sameSet(have.extended, extended)) {
		return usageMismatch("extended key usages", extendedNames(have.extended, have.unknown), extendedNames(extended, nil))
	}
	return nil
}

func usageMismatch(kind, have, want string) error {
	return fmt.Errorf("spec.usages: the CSR in spec.request has the %s [%s], but spec.usages and spec.isCA stand for [%s]: make them agree, or leave usages out of the CSR", kind, have, want)
}

func checkCA(csr *x509.CertificateRequest, isCA bool) error {
	if ext := extension(csr.Extensions, oidBasicConstraints); ext != nil {
		c, err := parseBasicConstraints(ext.Value)
		if err != nil {
			return fmt.Errorf("spec.request: %w", err)
		}
		if c.IsCA != isCA {
			return fmt.Errorf("spec.isCA: it is %t, but the basic constraints of the CSR in spec.request say %t: make them agree", isCA, c.IsCA)
		}
	}
	if !isCA && extension(csr.Extensions, oidNameConstraints) != nil {
		// RFC 5280 section 4.2.1.10: only a CA certificate may have them.
		return errors.New("spec.isCA: the CSR in spec.request has name constraints, which only a CA may have: set spec.isCA, or leave them out of the CSR")
	}
	return nil
}

// usageSet is what the usage extensions of a signing request say.
type usageSet struct {
	present, hasBasic, hasExtended bool

	basic    x509.KeyUsage
	extended []x509.ExtKeyUsage
	unknown  []asn1.ObjectIdentifier
}

func usagesInRequest(csr *x509.CertificateRequest) (usageSet, error) {
	var (
		u   usageSet
		err error
	)
	basic, extended := extension(csr.Extensions, oidKeyUsage), extension(csr.Extensions, oidExtKeyUsage)
	u.hasBasic, u.hasExtended = basic != nil, extended != nil
	u.present = u.hasBasic || u.hasExtended
	if u.hasBasic {
		if u.basic, err = parseKeyUsage(basic.Value); err != nil {
			return u, err
		}
	}
	if u.hasExtended {
		u.extended, u.unknown, err = parseExtKeyUsage(extended.Value)
	}
	return u, err
}

// basicNames lists key usages by their API names, in alphabetical order.
func basicNames(usage x509.KeyUsage) string {
	var names []string
	for name, bit := range keyUsages {
		if usage&bit != 0 && name != cmapi.UsageSigning {
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// extendedNames lists extended usages by their API names, in alphabetical
// order, then those the API has no name for, by identifier.
func extendedNames(usages []x509.ExtKeyUsage, unknown []asn1.ObjectIdentifier) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(extKeyUsages)) {
		if name != cmapi.UsageSMIME && slices.Contains(usages, extKeyUsages[name]) {
			names = append(names, string(name))
		}
	}
	for _, id := range unknown {
		names = append(names, id.String())
	}
	return strings.Join(names, ", ")
}
