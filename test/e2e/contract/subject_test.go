package contract

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/test/e2e/suite"
)

// TestLiteralSubject: a DN comes out as it went in. RFC 4514 writes the last
// part first, so the order in the certificate is the other way round.
func TestLiteralSubject(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		literal string
		parts   []string // as asn1parse prints them, in the certificate's order
	}{
		"order": {
			literal: `CN=who,OU=b,OU=a,O=Example,DC=example,DC=com`,
			parts:   []string{"domainComponent", "com", "domainComponent", "example", "organizationName", "Example", "organizationalUnitName", "a", "organizationalUnitName", "b", "commonName", "who"},
		},
		"no order of any directory": {
			literal: `C=NO,CN=who,ST=Oslo,UID=7,L=Oslo,street=Gate 1`,
			parts:   []string{"streetAddress", "Gate 1", "localityName", "Oslo", "userId", "7", "stateOrProvinceName", "Oslo", "commonName", "who", "countryName", "NO"},
		},
		"escapes": {
			literal: `CN=a\+b\, c\=d,O=Example\, Inc.`,
			parts:   []string{"organizationName", "Example, Inc.", "commonName", "a+b, c=d"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			got := s.Issue("literal", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) { crt.Spec.LiteralSubject = row.literal })
			d := newDesk(s)
			d.put("subject", got.Leaf.RawSubject)
			if parts := parsed(d.run("openssl", "asn1parse", "-inform", "DER", "-in", "subject")); !slices.Equal(parts, row.parts) {
				t.Errorf("the subject is\n%q, want\n%q", parts, row.parts)
			}
			if name == "order" { // of which openssl writes the whole as RFC 4514 does
				d.put("leaf", got.Secret.Data["tls.crt"])
				said := strings.TrimSpace(d.run("openssl", "x509", "-in", "leaf", "-noout", "-subject", "-nameopt", "RFC2253"))
				if said != "subject="+row.literal {
					t.Errorf("openssl reads %q, want %q", said, row.literal)
				}
			}
		})
	}
}

// parsed are the values that openssl asn1parse prints, in their order.
func parsed(text string) (values []string) {
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimRight(line, "\n"), ":", 4)
		if len(parts) == 4 && strings.HasSuffix(parts[1], "prim") {
			values = append(values, parts[3])
		}
	}
	return values
}

func TestOtherNames(t *testing.T) {
	s := space(t)
	s.CA("ca")
	got := s.Issue("named", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.OtherNames = []cmapi.OtherName{
			{OID: "1.3.6.1.4.1.311.20.2.3", UTF8Value: "upn@example.com"},
			{OID: "1.3.6.1.4.1.99999.1", UTF8Value: "blåbær"},
		}
	})
	d := newDesk(s)
	for _, extension := range got.Leaf.Extensions {
		if extension.Id.String() == "2.5.29.17" {
			d.put("names", extension.Value)
		}
	}
	values := parsed(d.run("openssl", "asn1parse", "-inform", "DER", "-in", "names", "-dump"))
	for _, want := range []string{"Microsoft User Principal Name", "upn@example.com", "1.3.6.1.4.1.99999.1", "blåbær"} {
		if !slices.Contains(values, want) {
			t.Errorf("%q is not among the alternative names %q", want, values)
		}
	}
	d.put("leaf", got.Secret.Data["tls.crt"])
	s.Mentions(d.run("openssl", "x509", "-in", "leaf", "-noout", "-ext", "subjectAltName"), "DNS:named.example.com", "UPN::upn@example.com")
}

// TestAThousandNames is far more than anybody needs, and no reason to fail.
func TestAThousandNames(t *testing.T) {
	s := space(t)
	s.CA("ca")
	names := thousand()
	got := s.Issue("many", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) { crt.Spec.DNSNames = names })
	if !slices.Equal(got.Leaf.DNSNames, names) {
		t.Errorf("it has %d names, want %d in their order", len(got.Leaf.DNSNames), len(names))
	}
	if noted := strings.Split(got.Secret.Annotations["cert-manager.io/alt-names"], ","); len(noted) != len(names) {
		t.Errorf("the Secret tells of %d names, want %d", len(noted), len(names))
	}
	d := newDesk(s)
	d.put("leaf", got.Secret.Data["tls.crt"])
	if out := d.run("openssl", "x509", "-in", "leaf", "-noout", "-ext", "subjectAltName"); strings.Count(out, "DNS:") != len(names) {
		t.Errorf("openssl reads %d names, want %d", strings.Count(out, "DNS:"), len(names))
	}
	s.OneRequestLeft("many", 1)
}

func thousand() []string {
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("name-%03d.shop.svc.cluster.local", i))
	}
	return names
}
