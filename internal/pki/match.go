package pki

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// RequestViolations names the spec fields of a Certificate that a
// CertificateRequest, by its signing request and its own spec, does not carry
// out. It is empty when the request is up to date. Lists are compared as sets
// and defaults are applied to both sides, so that neither order nor a default
// spelled out causes a new issuance. A request whose PEM cannot be read is
// reported as "spec.request".
//
// The signature of the request is not checked here: it does not depend on the
// Certificate.
func RequestViolations(cr *cmapi.CertificateRequest, crt *cmapi.Certificate) []string {
	csr, err := parseRequest(cr.Spec.Request)
	if err != nil {
		return []string{"spec.request"}
	}
	var v violations
	spec := &crt.Spec
	v.subject(csr, spec)
	names, err := parseAltNames(csr.Extensions)
	v.add(err != nil || names.foreign > 0, "spec.otherNames")
	v.altNames(names, spec)
	v.usages(cr, csr, spec)
	v.add(durationOf(cr.Spec.Duration) != durationOf(spec.Duration), "spec.duration")
	v.add(cr.Spec.IsCA != spec.IsCA || caInRequest(csr, spec.IsCA) != spec.IsCA, "spec.isCA")
	v.add(!sameIssuer(cr.Spec.IssuerRef, spec.IssuerRef), "spec.issuerRef")
	v.keyAndSignature(csr, crt)
	want, err := nameConstraintsExtension(spec.NameConstraints)
	v.add(err != nil || !sameNameConstraints(extension(csr.Extensions, oidNameConstraints), want), "spec.nameConstraints")
	return v
}

// CertificateViolations is the looser comparison for when the request is gone:
// an issued certificate against a Certificate. It looks at names and the key
// only, because an issuer may have changed or dropped anything else. A common
// name may have moved to the DNS names or back, which CAs do.
func CertificateViolations(cert *x509.Certificate, crt *cmapi.Certificate) []string {
	var v violations
	spec := &crt.Spec
	v.looseNames(cert, spec)
	v.addKey(cert.PublicKey, crt)
	return v
}

// violations collects names of spec fields.
type violations []string

func (v *violations) add(differs bool, field string) {
	if differs && !slices.Contains(*v, field) {
		*v = append(*v, field)
	}
}

func (v *violations) addKey(pub any, crt *cmapi.Certificate) {
	want, err := KeySpecOf(crt)
	if err != nil {
		// A spec that asks for an impossible key is refused elsewhere; no
		// existing key can be held against it.
		return
	}
	*v = append(*v, KeyViolations(pub, want)...)
}

func (v *violations) keyAndSignature(csr *x509.CertificateRequest, crt *cmapi.Certificate) {
	before := len(*v)
	v.addKey(csr.PublicKey, crt)
	if len(*v) > before {
		return // another key brings another signature with it
	}
	want, err := requestSignature(crt.Spec.SignatureAlgorithm, csr.PublicKey)
	v.add(err != nil || csr.SignatureAlgorithm != want, "spec.signatureAlgorithm")
}

func (v *violations) subject(csr *x509.CertificateRequest, spec *cmapi.CertificateSpec) {
	want, err := subjectOf(spec)
	if err != nil {
		v.add(true, "spec.literalSubject")
		return
	}
	if der, err := asn1.Marshal(want); err == nil && bytes.Equal(der, csr.RawSubject) {
		return // as our own requests are: nothing has to be taken apart
	}
	var have pkix.RDNSequence
	if unmarshalAll(csr.RawSubject, &have) != nil {
		v.add(true, "spec.literalSubject")
		return
	}
	if spec.LiteralSubject == "" {
		before := len(*v)
		v.subjectFields(csr.Subject, spec)
		if len(*v) > before {
			return
		}
	}
	// Equal in every single field and yet another name: it has other types or
	// another order, which only a literal subject can ask for.
	v.add(!sameDN(have, normalDN(want)), "spec.literalSubject")
}

func (v *violations) subjectFields(have pkix.Name, spec *cmapi.CertificateSpec) {
	want := spec.Subject
	if want == nil {
		want = &cmapi.X509Subject{}
	}
	v.add(have.CommonName != spec.CommonName, "spec.commonName")
	v.add(!sameSet(have.Organization, want.Organizations), "spec.subject.organizations")
	v.add(!sameSet(have.Country, want.Countries), "spec.subject.countries")
	v.add(!sameSet(have.OrganizationalUnit, want.OrganizationalUnits), "spec.subject.organizationalUnits")
	v.add(!sameSet(have.Locality, want.Localities), "spec.subject.localities")
	v.add(!sameSet(have.Province, want.Provinces), "spec.subject.provinces")
	v.add(!sameSet(have.StreetAddress, want.StreetAddresses), "spec.subject.streetAddresses")
	v.add(!sameSet(have.PostalCode, want.PostalCodes), "spec.subject.postalCodes")
	v.add(have.SerialNumber != want.SerialNumber, "spec.subject.serialNumber")
}

func (v *violations) altNames(have altNames, spec *cmapi.CertificateSpec) {
	v.add(!sameSet(have.dns, spec.DNSNames), "spec.dnsNames")
	v.add(!sameSet(ipTexts(have.ip), normalIPs(spec.IPAddresses)), "spec.ipAddresses")
	v.add(!sameSet(normalURIs(have.uri), normalURIs(spec.URIs)), "spec.uris")
	v.add(!sameSet(have.email, spec.EmailAddresses), "spec.emailAddresses")
	v.add(!sameSet(have.other, normalOtherNames(spec.OtherNames)), "spec.otherNames")
}

func (v *violations) looseNames(cert *x509.Certificate, spec *cmapi.CertificateSpec) {
	cn := spec.CommonName
	if names, err := ParseDN(spec.LiteralSubject); err == nil {
		cn = commonNameOf(names)
	}
	have := withName(cert.DNSNames, cert.Subject.CommonName)
	want := withName(spec.DNSNames, cn)
	v.add(cn != "" && !slices.Contains(have, cn) && !slices.Contains(ipTexts(cert.IPAddresses), cn), "spec.commonName")
	v.add(cert.Subject.CommonName != "" && !slices.Contains(want, cert.Subject.CommonName), "spec.commonName")
	v.add(!containsAll(have, spec.DNSNames) || !containsAll(want, cert.DNSNames), "spec.dnsNames")
	v.add(!sameSet(ipTexts(cert.IPAddresses), normalIPs(spec.IPAddresses)), "spec.ipAddresses")
	v.add(!sameSet(uriTexts(cert.URIs), normalURIs(spec.URIs)), "spec.uris")
	v.add(!sameSet(cert.EmailAddresses, spec.EmailAddresses), "spec.emailAddresses")
}

func withName(list []string, name string) []string {
	if name == "" {
		return list
	}
	return append(slices.Clip(list), name)
}

func (v *violations) usages(cr *cmapi.CertificateRequest, csr *x509.CertificateRequest, spec *cmapi.CertificateSpec) {
	basic, extended, err := KeyUsages(spec.Usages, spec.IsCA)
	asked, askedExtended, err2 := KeyUsages(cr.Spec.Usages, spec.IsCA)
	v.add(err != nil || err2 != nil || asked != basic || !sameSet(askedExtended, extended), "spec.usages")

	inRequest, err := usagesInRequest(csr)
	v.add(inRequest.present != encodesUsages(spec), "spec.encodeUsagesInRequest")
	if inRequest.present && encodesUsages(spec) {
		v.add(err != nil || inRequest.basic != basic || len(inRequest.unknown) > 0 || !sameSet(inRequest.extended, extended), "spec.usages")
	}
}

// caInRequest tells what the basic constraints of a signing request say, or
// the given value when it has none: that extension is optional in a request.
func caInRequest(csr *x509.CertificateRequest, otherwise bool) bool {
	ext := extension(csr.Extensions, oidBasicConstraints)
	if ext == nil {
		return otherwise
	}
	c, err := parseBasicConstraints(ext.Value)
	return err == nil && c.IsCA
}
