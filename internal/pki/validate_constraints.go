package pki

import (
	"net"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func validateNameConstraints(spec *cmapi.CertificateSpec, path *field.Path) (all field.ErrorList) {
	c := spec.NameConstraints
	if c == nil {
		return nil
	}
	if !spec.IsCA {
		all = append(all, field.Forbidden(path, "only a CA may have name constraints (RFC 5280 section 4.2.1.10): set isCA, or remove them"))
	}
	if c.Permitted == nil && c.Excluded == nil {
		all = append(all, field.Required(path, "it constrains nothing: set permitted or excluded, or remove it"))
	}
	all = append(all, validateConstraintItem(c.Permitted, path.Child("permitted"))...)
	return append(all, validateConstraintItem(c.Excluded, path.Child("excluded"))...)
}

func validateConstraintItem(item *cmapi.NameConstraintItem, path *field.Path) (all field.ErrorList) {
	if item == nil {
		return nil
	}
	for _, kind := range []struct {
		field, text string
		names       []string
		ok          func(string) bool
	}{
		{"dnsDomains", "it is not a domain: write it as example.com, without a trailing dot", item.DNSDomains, constraintDomain},
		{"ipRanges", "it is not an address range: write it as 10.0.0.0/8 or fd00::/8", item.IPRanges, isCIDR},
		{"emailAddresses", "it is neither a mailbox, a host nor a domain: write it as user@example.com, example.com or .example.com", item.EmailAddresses, constraintEmail},
		{"uriDomains", "it is not a domain: write it as example.com or .example.com, not as a URI or an IP address", item.URIDomains, constraintURI},
	} {
		for i, name := range kind.names {
			if !kind.ok(name) {
				all = append(all, field.Invalid(path.Child(kind.field).Index(i), name, kind.text))
			}
		}
	}
	return all
}

// constraintDomain takes a domain as name constraints have it: a leading dot
// stands for one or more labels, and the empty name for every name (RFC 5280
// section 4.2.1.10).
func constraintDomain(s string) bool {
	return s == "" || readableDomain(strings.TrimPrefix(s, "."))
}

func constraintURI(s string) bool {
	return net.ParseIP(s) == nil && !strings.ContainsAny(s, "/:") && constraintDomain(s)
}

func constraintEmail(s string) bool {
	if strings.Contains(s, "@") {
		return emailFault(s) == ""
	}
	return constraintDomain(s)
}

func isCIDR(s string) bool {
	_, _, err := net.ParseCIDR(s)
	return err == nil
}
