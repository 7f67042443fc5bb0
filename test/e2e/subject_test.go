package e2e

import (
	"crypto/x509"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/e2e/suite"
)

func TestEveryKindOfAlternativeName(t *testing.T) {
	s := space(t)
	s.CA("ca")
	leaf := s.Issue("names", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.DNSNames = []string{"a.example.com", "*.example.com"}
		crt.Spec.IPAddresses = []string{"192.0.2.1", "2001:db8::1"}
		crt.Spec.URIs = []string{"spiffe://example.com/ns/a/sa/b", "https://example.com/x?y=z"}
		crt.Spec.EmailAddresses = []string{"who@example.com"}
		crt.Spec.OtherNames = []cmapi.OtherName{{OID: "1.3.6.1.4.1.311.20.2.3", UTF8Value: "upn@example.com"}}
	}).Leaf
	if !slices.Equal(leaf.DNSNames, []string{"a.example.com", "*.example.com"}) {
		t.Errorf("DNS names: %q", leaf.DNSNames)
	}
	if len(leaf.IPAddresses) != 2 || !leaf.IPAddresses[0].Equal(net.ParseIP("192.0.2.1")) || !leaf.IPAddresses[1].Equal(net.ParseIP("2001:db8::1")) {
		t.Errorf("IP addresses: %v", leaf.IPAddresses)
	}
	if uris := texts(leaf.URIs); !slices.Equal(uris, []string{"spiffe://example.com/ns/a/sa/b", "https://example.com/x?y=z"}) {
		t.Errorf("URIs: %q", uris)
	}
	if !slices.Equal(leaf.EmailAddresses, []string{"who@example.com"}) {
		t.Errorf("e-mail addresses: %q", leaf.EmailAddresses)
	}
	if names := extensionOf(leaf, "2.5.29.17"); !strings.Contains(names, "upn@example.com") {
		t.Errorf("the otherName is not among the alternative names: %q", names)
	}
}

func texts(uris []*url.URL) (out []string) {
	for _, uri := range uris {
		out = append(out, uri.String())
	}
	return out
}

func extensionOf(leaf *x509.Certificate, oid string) string {
	for _, extension := range leaf.Extensions {
		if extension.Id.String() == oid {
			return string(extension.Value)
		}
	}
	return ""
}

func TestNamesOfOneKindAreEnough(t *testing.T) {
	for name, edit := range map[string]suite.Edit{
		"common name": func(crt *cmapi.Certificate) { crt.Spec.CommonName = "only me" },
		"address":     func(crt *cmapi.Certificate) { crt.Spec.IPAddresses = []string{"192.0.2.1"} },
		"uri":         func(crt *cmapi.Certificate) { crt.Spec.URIs = []string{"spiffe://example.com/a"} },
		"email":       func(crt *cmapi.Certificate) { crt.Spec.EmailAddresses = []string{"a@example.com"} },
		"literal":     func(crt *cmapi.Certificate) { crt.Spec.LiteralSubject = "CN=only me,DC=example,DC=com" },
	} {
		t.Run(name, func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			s.Issue("one", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) { crt.Spec.DNSNames = nil }, edit)
		})
	}
}

func TestSubject(t *testing.T) {
	s := space(t)
	s.CA("ca")
	want := &cmapi.X509Subject{
		Organizations: []string{"Example, Inc.", "Other"}, Countries: []string{"NO"}, OrganizationalUnits: []string{"Unit"},
		Localities: []string{"Oslo"}, Provinces: []string{"Akershus"}, StreetAddresses: []string{"Gate 1"},
		PostalCodes: []string{"0001"}, SerialNumber: "42",
	}
	got := s.Issue("subject", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.CommonName, crt.Spec.Subject = "who", want
	})
	subject := got.Leaf.Subject
	for what, pair := range map[string][2][]string{
		"organizations":    {subject.Organization, want.Organizations},
		"countries":        {subject.Country, want.Countries},
		"units":            {subject.OrganizationalUnit, want.OrganizationalUnits},
		"localities":       {subject.Locality, want.Localities},
		"provinces":        {subject.Province, want.Provinces},
		"street addresses": {subject.StreetAddress, want.StreetAddresses},
		"postal codes":     {subject.PostalCode, want.PostalCodes},
		"the rest":         {{subject.SerialNumber, subject.CommonName}, {"42", "who"}},
	} {
		slices.Sort(pair[0])
		slices.Sort(pair[1])
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
		}
	}
	if text := got.Secret.Annotations["cert-manager.io/subject-organizations"]; text != `"Example, Inc.",Other` && text != `Other,"Example, Inc."` {
		t.Errorf("the organizations in the Secret's annotation are %q", text)
	}
}

func TestLiteralSubjectKeepsItsOrder(t *testing.T) {
	s := space(t)
	s.CA("ca")
	leaf := s.Issue("literal", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.LiteralSubject = "CN=who,OU=b,OU=a,O=Example,DC=example,DC=com"
	}).Leaf
	var order []string
	for _, name := range leaf.Subject.Names {
		order = append(order, name.Value.(string))
	}
	// RFC 4514 writes the last first.
	if want := []string{"com", "example", "Example", "a", "b", "who"}; !slices.Equal(order, want) {
		t.Errorf("the subject reads %q, want %q", order, want)
	}
}

func TestUsages(t *testing.T) {
	for _, row := range []struct {
		name     string
		isCA     bool
		usages   []cmapi.KeyUsage
		basic    x509.KeyUsage
		extended []x509.ExtKeyUsage
	}{
		{name: "default", basic: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment},
		{name: "ca", isCA: true, basic: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign},
		{name: "server and client", usages: []cmapi.KeyUsage{cmapi.UsageDigitalSignature, cmapi.UsageServerAuth, cmapi.UsageClientAuth},
			basic: x509.KeyUsageDigitalSignature, extended: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}},
		{name: "code", usages: []cmapi.KeyUsage{cmapi.UsageDigitalSignature, cmapi.UsageCodeSigning},
			basic: x509.KeyUsageDigitalSignature, extended: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			leaf := s.Issue("usages", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
				crt.Spec.IsCA, crt.Spec.Usages = row.isCA, row.usages
			}).Leaf
			if leaf.KeyUsage != row.basic || leaf.IsCA != row.isCA {
				t.Errorf("usages %b and CA %t, want %b and %t", leaf.KeyUsage, leaf.IsCA, row.basic, row.isCA)
			}
			if !slices.Equal(leaf.ExtKeyUsage, row.extended) {
				t.Errorf("extended usages %v, want %v", leaf.ExtKeyUsage, row.extended)
			}
		})
	}
}

func TestNameConstraintsBindACA(t *testing.T) {
	s := space(t)
	s.CA("ca")
	leaf := s.Issue("bound", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.IsCA, crt.Spec.CommonName, crt.Spec.DNSNames = true, "bound", nil
		crt.Spec.NameConstraints = &cmapi.NameConstraints{
			Critical:  true,
			Permitted: &cmapi.NameConstraintItem{DNSDomains: []string{"example.com"}, IPRanges: []string{"192.0.2.0/24"}},
			Excluded:  &cmapi.NameConstraintItem{EmailAddresses: []string{"no@example.com"}},
		}
	}).Leaf
	if !leaf.PermittedDNSDomainsCritical || !slices.Equal(leaf.PermittedDNSDomains, []string{"example.com"}) ||
		len(leaf.PermittedIPRanges) != 1 || !slices.Equal(leaf.ExcludedEmailAddresses, []string{"no@example.com"}) {
		t.Errorf("constraints: %t %q %v %q", leaf.PermittedDNSDomainsCritical, leaf.PermittedDNSDomains,
			leaf.PermittedIPRanges, leaf.ExcludedEmailAddresses)
	}
}

func TestLifetimes(t *testing.T) {
	hours := func(n int) *metav1.Duration { return &metav1.Duration{Duration: time.Duration(n) * time.Hour} }
	for _, row := range []struct {
		name                  string
		duration, renewBefore *metav1.Duration
		percentage            *int32
		lifetime, before      time.Duration
	}{
		{name: "default", lifetime: 2160 * time.Hour, before: 720 * time.Hour},
		{name: "duration", duration: hours(24), lifetime: 24 * time.Hour, before: 8 * time.Hour},
		{name: "renew before", duration: hours(24), renewBefore: hours(5), lifetime: 24 * time.Hour, before: 5 * time.Hour},
		{name: "percentage", duration: hours(100), percentage: ptr.To[int32](10), lifetime: 100 * time.Hour, before: 10 * time.Hour},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			leaf := s.Issue("life", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
				crt.Spec.Duration, crt.Spec.RenewBefore, crt.Spec.RenewBeforePercentage = row.duration, row.renewBefore, row.percentage
			}).Leaf
			// The beginning is backdated a little, and a share of the lifetime with it.
			const slack = 10 * time.Minute
			if off := (leaf.NotAfter.Sub(leaf.NotBefore) - row.lifetime).Abs(); off > slack {
				t.Errorf("it lives from %s to %s, want %s", leaf.NotBefore, leaf.NotAfter, row.lifetime)
			}
			renewal := s.Get("life").Status.RenewalTime
			if off := (leaf.NotAfter.Sub(renewal.Time) - row.before).Abs(); off > slack {
				t.Errorf("it is renewed at %s, want %s before %s", renewal, row.before, leaf.NotAfter)
			}
		})
	}
}
