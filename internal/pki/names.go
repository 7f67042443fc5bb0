package pki

import (
	"crypto/x509"
	"encoding/csv"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// SecretAnnotations describes a certificate in the annotations of its Secret.
// The common name and the DNS, IP and URI names are always present, even empty;
// e-mail addresses and the subject's parts only when there are some. Lists are
// joined with commas and quoted as CSV (RFC 4180). A nil certificate gives the
// four empty ones.
func SecretAnnotations(cert *x509.Certificate) map[string]string {
	if cert == nil {
		cert = &x509.Certificate{}
	}
	subject := cert.Subject
	out := map[string]string{
		cmapi.CommonNameAnnotationKey: subject.CommonName,
		cmapi.AltNamesAnnotationKey:   joinCSV(cert.DNSNames),
		cmapi.IPSANAnnotationKey:      joinCSV(ipTexts(cert.IPAddresses)),
		cmapi.URISANAnnotationKey:     joinCSV(uriTexts(cert.URIs)),
	}
	for key, value := range map[string]string{
		cmapi.EmailsAnnotationKey:                     joinCSV(cert.EmailAddresses),
		cmapi.SubjectOrganizationsAnnotationKey:       joinCSV(subject.Organization),
		cmapi.SubjectOrganizationalUnitsAnnotationKey: joinCSV(subject.OrganizationalUnit),
		cmapi.SubjectCountriesAnnotationKey:           joinCSV(subject.Country),
		cmapi.SubjectProvincesAnnotationKey:           joinCSV(subject.Province),
		cmapi.SubjectLocalitiesAnnotationKey:          joinCSV(subject.Locality),
		cmapi.SubjectPostalCodesAnnotationKey:         joinCSV(subject.PostalCode),
		cmapi.SubjectStreetAddressesAnnotationKey:     joinCSV(subject.StreetAddress),
		cmapi.SubjectSerialNumberAnnotationKey:        subject.SerialNumber,
	} {
		if value != "" {
			out[key] = value
		}
	}
	return out
}

// joinCSV writes a list as one CSV record without its line end.
func joinCSV(list []string) string {
	if len(list) == 0 {
		return ""
	}
	var out strings.Builder
	w := csv.NewWriter(&out)
	// A strings.Builder takes every write.
	_ = w.Write(list)
	w.Flush()
	return strings.TrimSuffix(out.String(), "\n")
}
