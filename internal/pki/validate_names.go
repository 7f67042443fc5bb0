package pki

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strings"
	"unicode/utf8"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxCommonName is the upper bound of RFC 5280 appendix A.1, in characters.
const maxCommonName = 64

func validateSubject(spec *cmapi.CertificateSpec, path *field.Path) (all field.ErrorList) {
	cn, cnPath := spec.CommonName, path.Child("commonName")
	if spec.LiteralSubject != "" {
		literal := path.Child("literalSubject")
		all = append(all, literalAlone(spec, path)...)
		names, err := ParseDN(spec.LiteralSubject)
		if err != nil {
			all = append(all, field.Invalid(literal, spec.LiteralSubject, err.Error()+": write it as in RFC 4514, such as CN=name,O=organization,C=DE"))
		}
		cn, cnPath = commonNameOf(names), literal
	}
	if n := utf8.RuneCountInString(cn); n > maxCommonName {
		all = append(all, field.Invalid(cnPath, cn, fmt.Sprintf("the common name has %d characters, at most %d are allowed: use a shorter one and put the long name into dnsNames", n, maxCommonName)))
	}
	if spec.LiteralSubject == "" && cn == "" && noAltNames(spec) {
		all = append(all, field.Required(path, "a certificate needs a name: set at least one of commonName, literalSubject, dnsNames, uris, ipAddresses, emailAddresses or otherNames"))
	}
	return all
}

// literalAlone refuses other subject fields beside a literal subject.
func literalAlone(spec *cmapi.CertificateSpec, path *field.Path) (all field.ErrorList) {
	const remedy = "it cannot be set together with literalSubject: remove one of the two"
	if spec.CommonName != "" {
		all = append(all, field.Forbidden(path.Child("commonName"), remedy))
	}
	if s := spec.Subject; s != nil && (s.SerialNumber != "" || len(s.Organizations)+len(s.Countries)+
		len(s.OrganizationalUnits)+len(s.Localities)+len(s.Provinces)+len(s.StreetAddresses)+len(s.PostalCodes) > 0) {
		all = append(all, field.Forbidden(path.Child("subject"), remedy))
	}
	return all
}

func noAltNames(spec *cmapi.CertificateSpec) bool {
	return len(spec.DNSNames)+len(spec.URIs)+len(spec.IPAddresses)+len(spec.EmailAddresses)+len(spec.OtherNames) == 0
}

func validateAltNames(spec *cmapi.CertificateSpec, path *field.Path) (all field.ErrorList) {
	for _, kind := range []struct {
		field string
		names []string
		fault func(string) string
	}{
		{"dnsNames", spec.DNSNames, dnsNameFault},
		{"ipAddresses", spec.IPAddresses, ipFault},
		{"uris", spec.URIs, uriFault},
		{"emailAddresses", spec.EmailAddresses, emailFault},
	} {
		for i, name := range kind.names {
			if text := kind.fault(name); text != "" {
				all = append(all, field.Invalid(path.Child(kind.field).Index(i), name, text))
			}
		}
	}
	return append(all, validateOtherNames(spec.OtherNames, path.Child("otherNames"))...)
}

func validateOtherNames(names []cmapi.OtherName, path *field.Path) (all field.ErrorList) {
	for i, o := range names {
		at := path.Index(i)
		switch {
		case o.OID == "":
			all = append(all, field.Required(at.Child("oid"), "give the object identifier of the name, such as 1.3.6.1.4.1.311.20.2.3 for a UPN"))
		case !validOID(o.OID):
			all = append(all, field.Invalid(at.Child("oid"), o.OID, oidRemedy))
		}
		if o.UTF8Value == "" || !utf8.ValidString(o.UTF8Value) {
			all = append(all, field.Required(at.Child("utf8Value"), "give the name as a non-empty UTF-8 text"))
		}
	}
	return all
}

// dnsNameFault tells what is wrong with a DNS name of a certificate, or
// nothing. Beside the letters, digits and hyphens of RFC 1034 an underscore is
// taken, which clusters use; so is a trailing dot; and a * stands in the first
// label only (RFC 6125 section 6.4.3).
func dnsNameFault(s string) string {
	switch name := strings.TrimSuffix(s, "."); {
	case checkIA5(s) != nil:
		return errNotASCII.Error()
	case name == "":
		return "it is empty: remove it"
	case len(name) > 253:
		return fmt.Sprintf("it has %d characters, a DNS name has at most 253", len(name))
	default:
		for i, label := range strings.Split(name, ".") {
			if text := labelFault(label, i == 0); text != "" {
				return text
			}
		}
		return ""
	}
}

func labelFault(label string, first bool) string {
	switch {
	case label == "":
		return "two dots follow each other or the name begins with one: remove the extra dot"
	case len(label) > 63:
		return fmt.Sprintf("the part %q has %d characters, at most 63 are allowed", label, len(label))
	case strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-"):
		return fmt.Sprintf("the part %q begins or ends with a hyphen: remove it", label)
	}
	for _, c := range []byte(label) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		case c == '*' && first:
		case c == '*':
			return "a * is allowed in the first part only"
		default:
			return fmt.Sprintf("the character %q is not part of a DNS name: give the bare name, without scheme, port or path", c)
		}
	}
	return ""
}

func ipFault(s string) string {
	if net.ParseIP(s) == nil {
		return "it is not an IP address: write it as 192.0.2.1 or 2001:db8::1, without port, zone or prefix length"
	}
	return ""
}

// emailFault accepts the bare address only (RFC 5280 section 4.2.1.6), not the
// "Name <address>" that mail programs write.
func emailFault(s string) string {
	if checkIA5(s) != nil {
		return "only ASCII characters can stand in an e-mail address of a certificate"
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		return "it is not an e-mail address: write it as user@example.com and nothing else"
	}
	return ""
}

// uriFault wants an absolute URI (RFC 5280 section 4.2.1.6) that verifiers can
// read: they refuse a whole certificate for the host of one URI.
func uriFault(s string) string {
	if checkIA5(s) != nil {
		return "only ASCII characters can stand in a URI: percent-encode the others"
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "it is not a URI: write it as spiffe://example.org/workload or https://example.com/"
	case u.Scheme == "":
		return "it has no scheme: write it as spiffe://example.org/workload or https://example.com/"
	case u.Host != "" && !readableDomain(u.Host):
		return fmt.Sprintf("its host %q is not a domain name: remove empty parts and a trailing dot", u.Host)
	}
	return ""
}

// readableDomain is the rule by which Go's verifier takes or refuses a domain
// in a URI or in name constraints: visible ASCII, no empty part, no trailing
// dot, at most 63 bytes a part.
func readableDomain(s string) bool {
	for _, part := range strings.Split(s, ".") {
		if part == "" || len(part) > 63 || strings.ContainsFunc(part, func(r rune) bool { return r < 33 || r > 126 }) {
			return false
		}
	}
	return true
}
