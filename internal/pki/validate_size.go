package pki

import (
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	// maxNames is how many bytes of names fit into a request of MaxCertificatePEM
	// beside the largest key, its signature and the other extensions.
	maxNames = 56_000
	// nameFrame is what a name takes in a request beside its text, and entryFrame
	// an entry that comes with an object identifier.
	nameFrame, entryFrame = 4, 12
)

// validateSize refuses more names than a request can carry, at the field that
// has the most of them.
func validateSize(spec *cmapi.CertificateSpec, path *field.Path) field.ErrorList {
	total, most, where := 0, 0, ""
	count := func(name string, n int) {
		if total += n; n > most {
			most, where = n, name
		}
	}
	count("dnsNames", sizeOf(nameFrame, spec.DNSNames))
	count("ipAddresses", sizeOf(nameFrame, spec.IPAddresses))
	count("uris", sizeOf(nameFrame, spec.URIs))
	count("emailAddresses", sizeOf(nameFrame, spec.EmailAddresses))
	count("literalSubject", len(spec.LiteralSubject))
	var others []string
	for _, o := range spec.OtherNames {
		others = append(others, o.OID+o.UTF8Value)
	}
	count("otherNames", sizeOf(entryFrame, others))
	if s := spec.Subject; s != nil {
		count("subject", sizeOf(entryFrame, s.Organizations, s.Countries, s.OrganizationalUnits,
			s.Localities, s.Provinces, s.StreetAddresses, s.PostalCodes, []string{s.SerialNumber}))
	}
	if c := spec.NameConstraints; c != nil {
		bounds := 0
		for _, item := range []*cmapi.NameConstraintItem{c.Permitted, c.Excluded} {
			if item != nil {
				bounds += sizeOf(nameFrame, item.DNSDomains, item.IPRanges, item.EmailAddresses, item.URIDomains)
			}
		}
		count("nameConstraints", bounds)
	}
	if total <= maxNames {
		return nil
	}
	return field.ErrorList{field.Forbidden(path.Child(where),
		fmt.Sprintf("all names together take %d bytes, at most %d fit into a certificate: spread them over several Certificates", total, maxNames))}
}

func sizeOf(frame int, lists ...[]string) (n int) {
	for _, list := range lists {
		for _, text := range list {
			n += frame + len(text)
		}
	}
	return n
}
