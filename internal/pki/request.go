package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// NewRequest makes the signing request (RFC 2986, PEM) that carries everything
// a Certificate asks for and a request can hold: subject, alternative names of
// every kind, usages (unless spec.encodeUsagesInRequest is false), basic
// constraints when isCA is set, name constraints, and the signature algorithm.
// It is signed with the given key. Errors name the field at fault; a request
// above MaxCertificatePEM bytes, which no parser here would take, wraps
// ErrTooLarge.
func NewRequest(crt *cmapi.Certificate, key crypto.Signer) (csrPEM []byte, err error) {
	spec := &crt.Spec
	template := &x509.CertificateRequest{}
	if template.SignatureAlgorithm, err = requestSignature(spec.SignatureAlgorithm, key.Public()); err != nil {
		return nil, err
	}
	subject, err := subjectOf(spec)
	if err != nil {
		return nil, err
	}
	if template.RawSubject, err = asn1.Marshal(subject); err != nil {
		return nil, fmt.Errorf("spec.subject: %w", err)
	}
	if template.ExtraExtensions, err = requestExtensions(spec, len(subject) == 0); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	csrPEM = pem.EncodeToMemory(&pem.Block{Type: labelRequest, Bytes: der})
	if err := checkSize("certificate request", csrPEM, MaxCertificatePEM); err != nil {
		return nil, fmt.Errorf("%w: spread the names over several Certificates", err)
	}
	return csrPEM, nil
}

// subjectOf gives the subject a spec asks for: the literal one in its own
// order, else the single fields in the order of the standard library.
func subjectOf(spec *cmapi.CertificateSpec) (pkix.RDNSequence, error) {
	if spec.LiteralSubject != "" {
		names, err := ParseDN(spec.LiteralSubject)
		if err != nil {
			return nil, fmt.Errorf("spec.literalSubject: %w", err)
		}
		return names, nil
	}
	name := pkix.Name{CommonName: spec.CommonName}
	if s := spec.Subject; s != nil {
		name.Country, name.Province, name.Locality = s.Countries, s.Provinces, s.Localities
		name.Organization, name.OrganizationalUnit = s.Organizations, s.OrganizationalUnits
		name.StreetAddress, name.PostalCode = s.StreetAddresses, s.PostalCodes
		name.SerialNumber = s.SerialNumber
	}
	return name.ToRDNSequence(), nil
}

// requestExtensions encodes what goes into the extension request attribute
// (RFC 2985 section 5.4.2).
func requestExtensions(spec *cmapi.CertificateSpec, noSubject bool) ([]pkix.Extension, error) {
	list, err := usageExtensions(spec)
	if err != nil {
		return nil, err
	}
	names, err := altNamesOf(spec)
	if err != nil {
		return nil, err
	}
	if !names.empty() {
		ext, err := names.extension(noSubject)
		if err != nil {
			return nil, err
		}
		list = append(list, ext)
	}
	if spec.IsCA {
		ext, err := basicConstraintsExtension(basicConstraints{IsCA: true, MaxPathLen: -1})
		if err != nil {
			return nil, err
		}
		list = append(list, ext)
	}
	constraints, err := nameConstraintsExtension(spec.NameConstraints)
	if constraints != nil {
		list = append(list, *constraints)
	}
	return list, err
}

// usageExtensions encodes spec.usages, or nothing when the issuer must not see
// them in the request.
func usageExtensions(spec *cmapi.CertificateSpec) ([]pkix.Extension, error) {
	basic, extended, err := KeyUsages(spec.Usages, spec.IsCA)
	if err != nil || !encodesUsages(spec) {
		return nil, err
	}
	var list []pkix.Extension
	if basic != 0 {
		ext, err := keyUsageExtension(basic)
		if err != nil {
			return nil, err
		}
		list = append(list, ext)
	}
	if len(extended) > 0 {
		ext, err := extKeyUsageExtension(extended)
		if err != nil {
			return nil, err
		}
		list = append(list, ext)
	}
	return list, nil
}

func encodesUsages(spec *cmapi.CertificateSpec) bool {
	return spec.EncodeUsagesInRequest == nil || *spec.EncodeUsagesInRequest
}
