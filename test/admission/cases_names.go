package admission

import (
	"fmt"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// dns and its siblings are the case of a Certificate with a good name of a kind and
// this one behind it.
func dns(name, field, value string) Case {
	return crt("DNS name: "+name, field, func(s *cmapi.CertificateSpec) { s.DNSNames = append(s.DNSNames, value) })
}

func ip(name, field, value string) Case {
	return crt("IP address: "+name, field, func(s *cmapi.CertificateSpec) { s.IPAddresses = []string{"192.0.2.1", value} })
}

func uri(name, field, value string) Case {
	return crt(name, field, func(s *cmapi.CertificateSpec) {
		s.URIs = []string{"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", value}
	})
}

func email(name, field, value string) Case {
	return crt("e-mail: "+name, field, func(s *cmapi.CertificateSpec) { s.EmailAddresses = []string{"a@example.com", value} })
}

func other(name, field string, o cmapi.OtherName) Case {
	return crt("other name: "+name, field, func(s *cmapi.CertificateSpec) {
		s.OtherNames = []cmapi.OtherName{{OID: "1.3.6.1.4.1.311.20.2.3", UTF8Value: "upn@example.com"}, o}
	})
}

func certificateNames() []Case {
	const dnsNames, ipAddresses, uris, emails = "spec.dnsNames[1]", "spec.ipAddresses[1]", "spec.uris[1]", "spec.emailAddresses[1]"
	long := strings.Repeat(strings.Repeat("a", 62)+".", 4)
	return []Case{
		crt("no name at all", "spec", func(s *cmapi.CertificateSpec) { s.DNSNames = nil }),
		crt("a common name only", "", func(s *cmapi.CertificateSpec) { s.DNSNames, s.CommonName = nil, "web" }),
		crt("longest common name", "", func(s *cmapi.CertificateSpec) { s.CommonName = strings.Repeat("ü", 64) }),
		crt("common name too long", "spec.commonName", func(s *cmapi.CertificateSpec) { s.CommonName = strings.Repeat("x", 65) }),
		crt("a literal subject", "", func(s *cmapi.CertificateSpec) { s.DNSNames, s.LiteralSubject = nil, "CN=web,O=Example,C=DE" }),
		crt("a literal subject and a common name", "spec.commonName", func(s *cmapi.CertificateSpec) { s.LiteralSubject, s.CommonName = "CN=web", "web" }),
		crt("a literal subject and a subject", "spec.subject", func(s *cmapi.CertificateSpec) {
			s.LiteralSubject, s.Subject = "CN=web", &cmapi.X509Subject{Provinces: []string{"Hessen"}}
		}),
		crt("a literal subject and a serial number", "spec.subject", func(s *cmapi.CertificateSpec) {
			s.LiteralSubject, s.Subject = "CN=web", &cmapi.X509Subject{SerialNumber: "7"}
		}),
		crt("a literal subject and an empty subject", "", func(s *cmapi.CertificateSpec) { s.LiteralSubject, s.Subject = "CN=web", &cmapi.X509Subject{} }),
		onlyRules("CEL does not read distinguished names", crt("a literal subject that is none", "spec.literalSubject", func(s *cmapi.CertificateSpec) { s.LiteralSubject = "web" })),
		onlyRules("CEL does not read distinguished names", crt("a literal subject of an unknown type", "spec.literalSubject", func(s *cmapi.CertificateSpec) { s.LiteralSubject = "CN=web,XYZ=1" })),
		onlyRules("CEL does not read distinguished names", crt("a literal common name too long", "spec.literalSubject", func(s *cmapi.CertificateSpec) { s.LiteralSubject = "CN=" + strings.Repeat("x", 65) })),

		dns("wildcard", "", "*.example.com"),
		dns("upper case and underscore", "", "_Acme.Example.COM"),
		dns("trailing dot", "", "www.example.com."),
		dns("one part", "", "localhost"),
		dns("longest name", "", long+"b"),
		dns("longest name and a dot", "", long+"b."),
		dns("name too long", dnsNames, long+"bb"),
		dns("part too long", dnsNames, strings.Repeat("a", 64)+".example.com"),
		dns("empty name", dnsNames, ""),
		dns("a dot", dnsNames, "."),
		dns("two dots", dnsNames, "a..example.com"),
		dns("dot in front", dnsNames, ".example.com"),
		dns("port", dnsNames, "www.example.com:443"),
		dns("scheme", dnsNames, "https://www.example.com"),
		dns("blank", dnsNames, "www example.com"),
		dns("line break", dnsNames, "www.example.com\n"),
		dns("star behind the first part", dnsNames, "www.*.com"),
		dns("hyphen in front", dnsNames, "-www.example.com"),
		dns("hyphen at the end", dnsNames, "www-.example.com"),
		dns("umlaut", dnsNames, "münchen.example.com"),
		crt("a thousand names", "", func(s *cmapi.CertificateSpec) { s.DNSNames = many(1000, "host-%04d.team.example.com") }),
		crt("a thousand names and a wrong one", "spec.dnsNames[1000]", func(s *cmapi.CertificateSpec) {
			s.DNSNames = append(many(1000, "host-%04d.team.example.com"), "not a name")
		}),

		ip("address of version 6", "", "2001:db8::1"),
		ip("address of version 4 in version 6", "", "::ffff:192.0.2.1"),
		ip("number too large", ipAddresses, "192.0.2.256"),
		ip("prefix length", ipAddresses, "192.0.2.0/24"),
		ip("zone", ipAddresses, "fe80::1%eth0"),
		ip("empty address", ipAddresses, ""),
		onlyRules("isIP takes no such address, so CEL leaves them all to the daemon", ip("no address of version 4 in version 6", ipAddresses, "::ffff:192.0.2.256")),

		uri("SPIFFE", "", "spiffe://cluster.local/ns/team/sa/web"),
		uri("port and query", "", "https://www.example.com:8443/a?b=c#d"),
		uri("no scheme", uris, "www.example.com/a"),
		uri("blank in the host", uris, "https://www example.com/"),
		uri("two dots in the host", uris, "https://www..example.com/"),
		uri("umlaut", uris, "https://www.example.com/ü"),
		uri("port that is no number", uris, "https://www.example.com:port/"),
		onlyRules("CEL reads no fragment", uri("escape in the fragment that is none", uris, "https://www.example.com/#%zz")),

		email("address with a tag", "", "first.last+tag@mail.example.com"),
		email("no host", emails, "first"),
		email("name and address", emails, "First <first@example.com>"),
		email("two dots", emails, "first..last@example.com"),
		email("umlaut", emails, "fürst@example.com"),
		email("two hosts", emails, "a@b@example.com"),

		other("second other name", "", cmapi.OtherName{OID: "2.5.4.3", UTF8Value: "näme"}),
		other("no oid", "spec.otherNames[1].oid", cmapi.OtherName{UTF8Value: "a"}),
		other("oid of letters", "spec.otherNames[1].oid", cmapi.OtherName{OID: "1.x", UTF8Value: "a"}),
		other("oid that begins with 3", "spec.otherNames[1].oid", cmapi.OtherName{OID: "3.1.2", UTF8Value: "a"}),
		other("oid with an arc of 40", "spec.otherNames[1].oid", cmapi.OtherName{OID: "1.40.2", UTF8Value: "a"}),
		other("no value", "spec.otherNames[1].utf8Value", cmapi.OtherName{OID: "2.5.4.3"}),
	}
}

// crowd is the case of a thousand entries of a length each.
func crowd(name, field string, length int, edit func(s *cmapi.CertificateSpec, entries []string)) Case {
	return crt("a thousand "+name, field, func(s *cmapi.CertificateSpec) {
		s.DNSNames, s.CommonName = nil, "web"
		edit(s, many(1000, strings.Repeat("a", length-4)+"%04d"))
	})
}

// crowds go to the limit of what all names together may take, and beyond.
func crowds() []Case {
	dnsNames := func(s *cmapi.CertificateSpec, entries []string) { s.DNSNames = entries }
	uris := func(s *cmapi.CertificateSpec, entries []string) {
		for _, e := range entries {
			s.URIs = append(s.URIs, "https://"+e[8:])
		}
	}
	emails := func(s *cmapi.CertificateSpec, entries []string) {
		for _, e := range entries {
			s.EmailAddresses = append(s.EmailAddresses, "a@"+e[2:])
		}
	}
	organizations := func(s *cmapi.CertificateSpec, entries []string) {
		s.Subject = &cmapi.X509Subject{Organizations: entries[1:], SerialNumber: entries[0]}
	}
	others := func(s *cmapi.CertificateSpec, entries []string) {
		for _, e := range entries {
			s.OtherNames = append(s.OtherNames, cmapi.OtherName{OID: "1.2.3", UTF8Value: e[5:]})
		}
	}
	bounds := func(s *cmapi.CertificateSpec, entries []string) {
		s.IsCA = true
		s.NameConstraints = &cmapi.NameConstraints{Permitted: &cmapi.NameConstraintItem{DNSDomains: entries[:500]}, Excluded: &cmapi.NameConstraintItem{URIDomains: entries[500:]}}
	}
	return []Case{
		crowd("DNS names that fit", "", 52, dnsNames), crowd("DNS names too many", "spec.dnsNames", 53, dnsNames),
		crowd("URIs that fit", "", 52, uris), crowd("URIs too many", "spec.uris", 53, uris),
		crowd("e-mail addresses that fit", "", 52, emails), crowd("e-mail addresses too many", "spec.emailAddresses", 53, emails),
		crowd("organizations that fit", "", 44, organizations), crowd("organizations too many", "spec.subject", 45, organizations),
		crowd("other names that fit", "", 44, others), crowd("other names too many", "spec.otherNames", 45, others),
		crowd("bounds that fit", "", 52, bounds), crowd("bounds too many", "spec.nameConstraints", 53, bounds),
		crowd("names of two kinds too many", "spec.uris", 40, func(s *cmapi.CertificateSpec, entries []string) {
			dnsNames(s, entries[:600])
			uris(s, many(700, strings.Repeat("a", 46)+"%04d"))
		}),
	}
}

func many(n int, format string) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(format, i)
	}
	return names
}
