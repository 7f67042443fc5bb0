package pki

import (
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// One edit of a spec after its request was made, and the fields it must show.
func TestRequestViolations(t *testing.T) {
	t.Parallel()
	type edit = func(*cmapi.CertificateSpec)
	no := false
	literal := func(s *cmapi.CertificateSpec) { s.CommonName, s.LiteralSubject = "", "CN=a,OU=b,DC=c" }
	for name, c := range map[string]struct {
		before, after edit
		want          []string
	}{
		"nothing": {everything, nil, nil},
		"order of names": {everything, func(s *cmapi.CertificateSpec) {
			slices.Reverse(s.DNSNames)
			slices.Reverse(s.IPAddresses)
			slices.Reverse(s.Usages)
		}, nil},
		"repeats":        {everything, func(s *cmapi.CertificateSpec) { s.DNSNames = append(s.DNSNames, s.DNSNames...) }, nil},
		"IP spelled out": {everything, func(s *cmapi.CertificateSpec) { s.IPAddresses[1] = "2001:DB8:0::0:1" }, nil},
		"constraints in another order": {everything, func(s *cmapi.CertificateSpec) {
			slices.Reverse(s.NameConstraints.Permitted.IPRanges)
			s.NameConstraints.Permitted.IPRanges[1] = "192.0.2.77/24"
		}, nil},
		"defaults spelled out": {nil, func(s *cmapi.CertificateSpec) {
			yes := true
			s.Duration = &metav1.Duration{Duration: 2160 * time.Hour}
			s.IssuerRef = cmmeta.IssuerReference{Name: "ca", Kind: "Issuer", Group: "cert-manager.io"}
			s.Usages = []cmapi.KeyUsage{"key encipherment", "digital signature"}
			s.PrivateKey.Size = 256
			s.EncodeUsagesInRequest = &yes
			s.SignatureAlgorithm = cmapi.ECDSAWithSHA256
			s.Subject = &cmapi.X509Subject{}
		}, nil},
		"what no request carries": {nil, func(s *cmapi.CertificateSpec) {
			s.SecretName, s.RenewBefore = "other", &metav1.Duration{Duration: time.Hour}
			s.PrivateKey.Encoding, s.PrivateKey.RotationPolicy = cmapi.PKCS8, cmapi.RotationPolicyNever
		}, nil},

		"common name":         {nil, func(s *cmapi.CertificateSpec) { s.CommonName = "a" }, []string{"spec.commonName"}},
		"common name removed": {nil, func(s *cmapi.CertificateSpec) { s.CommonName = "" }, []string{"spec.commonName"}},
		"organization":        {everything, func(s *cmapi.CertificateSpec) { s.Subject.Organizations = nil }, []string{"spec.subject.organizations"}},
		"country":             {everything, func(s *cmapi.CertificateSpec) { s.Subject.Countries = []string{"US"} }, []string{"spec.subject.countries"}},
		"unit":                {everything, func(s *cmapi.CertificateSpec) { s.Subject.OrganizationalUnits = []string{"Unit", "2"} }, []string{"spec.subject.organizationalUnits"}},
		"locality":            {everything, func(s *cmapi.CertificateSpec) { s.Subject.Localities = nil }, []string{"spec.subject.localities"}},
		"province":            {everything, func(s *cmapi.CertificateSpec) { s.Subject.Provinces = nil }, []string{"spec.subject.provinces"}},
		"street":              {everything, func(s *cmapi.CertificateSpec) { s.Subject.StreetAddresses = nil }, []string{"spec.subject.streetAddresses"}},
		"postal code":         {everything, func(s *cmapi.CertificateSpec) { s.Subject.PostalCodes = nil }, []string{"spec.subject.postalCodes"}},
		"serial number":       {everything, func(s *cmapi.CertificateSpec) { s.Subject.SerialNumber = "43" }, []string{"spec.subject.serialNumber"}},
		"subject removed":     {everything, func(s *cmapi.CertificateSpec) { s.Subject = &cmapi.X509Subject{Organizations: s.Subject.Organizations} }, []string{"spec.subject.countries", "spec.subject.organizationalUnits", "spec.subject.localities", "spec.subject.provinces", "spec.subject.streetAddresses", "spec.subject.postalCodes", "spec.subject.serialNumber"}},
		"literal same":        {literal, func(s *cmapi.CertificateSpec) { s.LiteralSubject = "cn=a, ou=b, dc=c" }, nil},
		"literal order":       {literal, func(s *cmapi.CertificateSpec) { s.LiteralSubject = "OU=b,CN=a,DC=c" }, []string{"spec.literalSubject"}},
		"literal value":       {literal, func(s *cmapi.CertificateSpec) { s.LiteralSubject = "CN=a,OU=b,DC=d" }, []string{"spec.literalSubject"}},
		"literal added":       {nil, literal, []string{"spec.literalSubject"}},
		"literal removed":     {literal, func(s *cmapi.CertificateSpec) { s.CommonName, s.LiteralSubject = "a", "" }, []string{"spec.subject.organizationalUnits"}},
		"literal to fields": {literal, func(s *cmapi.CertificateSpec) {
			s.LiteralSubject = ""
			s.CommonName = "a"
			s.Subject = &cmapi.X509Subject{OrganizationalUnits: []string{"b"}}
		}, []string{"spec.literalSubject"}},
		"literal broken":       {literal, func(s *cmapi.CertificateSpec) { s.LiteralSubject = "X=1" }, []string{"spec.literalSubject"}},
		"DNS name":             {nil, func(s *cmapi.CertificateSpec) { s.DNSNames = s.DNSNames[:1] }, []string{"spec.dnsNames"}},
		"DNS name's case":      {nil, func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"Web.example.com", "www.example.com"} }, []string{"spec.dnsNames"}},
		"IP address":           {everything, func(s *cmapi.CertificateSpec) { s.IPAddresses[0] = "192.0.2.9" }, []string{"spec.ipAddresses"}},
		"URI":                  {everything, func(s *cmapi.CertificateSpec) { s.URIs = nil }, []string{"spec.uris"}},
		"e-mail":               {everything, func(s *cmapi.CertificateSpec) { s.EmailAddresses = append(s.EmailAddresses, "a@b.c") }, []string{"spec.emailAddresses"}},
		"other name's value":   {everything, func(s *cmapi.CertificateSpec) { s.OtherNames[0].UTF8Value = "x" }, []string{"spec.otherNames"}},
		"other name's type":    {everything, func(s *cmapi.CertificateSpec) { s.OtherNames[0].OID = "1.2.3" }, []string{"spec.otherNames"}},
		"other names removed":  {everything, func(s *cmapi.CertificateSpec) { s.OtherNames = nil }, []string{"spec.otherNames"}},
		"duration added":       {nil, func(s *cmapi.CertificateSpec) { s.Duration = &metav1.Duration{Duration: time.Hour} }, []string{"spec.duration"}},
		"duration changed":     {func(s *cmapi.CertificateSpec) { s.Duration = &metav1.Duration{Duration: time.Hour} }, func(s *cmapi.CertificateSpec) { s.Duration = &metav1.Duration{Duration: 2 * time.Hour} }, []string{"spec.duration"}},
		"duration removed":     {func(s *cmapi.CertificateSpec) { s.Duration = &metav1.Duration{Duration: time.Hour} }, func(s *cmapi.CertificateSpec) { s.Duration = nil }, []string{"spec.duration"}},
		"usages":               {nil, func(s *cmapi.CertificateSpec) { s.Usages = []cmapi.KeyUsage{"server auth"} }, []string{"spec.usages"}},
		"usages removed":       {everything, func(s *cmapi.CertificateSpec) { s.Usages = nil }, []string{"spec.usages"}},
		"usages unknown":       {nil, func(s *cmapi.CertificateSpec) { s.Usages = []cmapi.KeyUsage{"x"} }, []string{"spec.usages"}},
		"CA":                   {nil, func(s *cmapi.CertificateSpec) { s.IsCA = true }, []string{"spec.usages", "spec.isCA"}},
		"no CA":                {func(s *cmapi.CertificateSpec) { s.IsCA = true }, func(s *cmapi.CertificateSpec) { s.IsCA = false }, []string{"spec.usages", "spec.isCA"}},
		"issuer's name":        {nil, func(s *cmapi.CertificateSpec) { s.IssuerRef.Name = "other" }, []string{"spec.issuerRef"}},
		"issuer's kind":        {nil, func(s *cmapi.CertificateSpec) { s.IssuerRef.Kind = "ClusterIssuer" }, []string{"spec.issuerRef"}},
		"issuer's group":       {nil, func(s *cmapi.CertificateSpec) { s.IssuerRef.Group = "example.com" }, []string{"spec.issuerRef"}},
		"key's algorithm":      {nil, func(s *cmapi.CertificateSpec) { s.PrivateKey = nil }, []string{"spec.privateKey.algorithm"}},
		"key's size":           {nil, func(s *cmapi.CertificateSpec) { s.PrivateKey.Size = 521 }, []string{"spec.privateKey.size"}},
		"signature":            {nil, func(s *cmapi.CertificateSpec) { s.SignatureAlgorithm = cmapi.ECDSAWithSHA384 }, []string{"spec.signatureAlgorithm"}},
		"signature removed":    {everything, func(s *cmapi.CertificateSpec) { s.SignatureAlgorithm = "" }, []string{"spec.signatureAlgorithm"}},
		"usages not to encode": {nil, func(s *cmapi.CertificateSpec) { s.EncodeUsagesInRequest = &no }, []string{"spec.encodeUsagesInRequest"}},
		"usages to encode":     {func(s *cmapi.CertificateSpec) { s.EncodeUsagesInRequest = &no }, func(s *cmapi.CertificateSpec) { s.EncodeUsagesInRequest = nil }, []string{"spec.encodeUsagesInRequest"}},
		"constraints added": {nil, func(s *cmapi.CertificateSpec) {
			s.NameConstraints = &cmapi.NameConstraints{Permitted: &cmapi.NameConstraintItem{DNSDomains: []string{"a"}}}
		}, []string{"spec.nameConstraints"}},
		"constraints removed": {everything, func(s *cmapi.CertificateSpec) { s.NameConstraints = nil }, []string{"spec.nameConstraints"}},
		"constraints changed": {everything, func(s *cmapi.CertificateSpec) { s.NameConstraints.Excluded.DNSDomains[0] = "b" }, []string{"spec.nameConstraints"}},
		"constraints swapped": {everything, func(s *cmapi.CertificateSpec) {
			n := s.NameConstraints
			n.Permitted, n.Excluded = n.Excluded, n.Permitted
		}, []string{"spec.nameConstraints"}},
		"constraints' severity": {everything, func(s *cmapi.CertificateSpec) { s.NameConstraints.Critical = false }, []string{"spec.nameConstraints"}},
		"constraints empty": {nil, func(s *cmapi.CertificateSpec) {
			s.NameConstraints = &cmapi.NameConstraints{Permitted: &cmapi.NameConstraintItem{}}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crt := certificate()
			if c.before != nil {
				crt = certificate(c.before)
			}
			cr := requestFor(t, crt, testKey(t, specP256)).DeepCopy()
			if got := RequestViolations(cr, crt); got != nil {
				t.Fatalf("before the edit: %v", got)
			}
			if c.after != nil {
				c.after(&crt.Spec)
			}
			if got := RequestViolations(cr, crt); !cmp.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// A request made by another program: without basic constraints, with a broken
// PEM, or with a name of a kind that no spec can ask for.
func TestRequestViolationsForeign(t *testing.T) {
	t.Parallel()
	key := testKey(t, specP256)
	crt := certificate(func(s *cmapi.CertificateSpec) { s.IsCA = true })
	noCA := certificate(func(s *cmapi.CertificateSpec) {
		s.Usages = []cmapi.KeyUsage{"digital signature", "key encipherment", "cert sign"}
	})
	cr := requestFor(t, noCA, key)
	cr.Spec.IsCA, cr.Spec.Usages = true, nil
	if got := RequestViolations(cr, crt); got != nil {
		t.Errorf("without basic constraints: %v", got)
	}
	cr.Spec.Request = []byte("x")
	if got := RequestViolations(cr, crt); !cmp.Equal(got, []string{"spec.request"}) {
		t.Errorf("broken: %v", got)
	}
	cr.Spec.Request = rareNames(t, key)
	if got := RequestViolations(cr, crt); !slices.Contains(got, "spec.otherNames") {
		t.Errorf("with a directory name: %v", got)
	}
}

func TestCertificateViolations(t *testing.T) {
	t.Parallel()
	issue := func(edit ...func(*cmapi.CertificateSpec)) []byte {
		return selfSignedFor(t, certificate(edit...), testKey(t, specP256), testNow).Leaf
	}
	plain, full := one(t, issue()), one(t, issue(everything))
	promoted := one(t, issue(func(s *cmapi.CertificateSpec) { s.CommonName = "" }))
	onlyCN := one(t, issue(func(s *cmapi.CertificateSpec) { s.DNSNames = s.DNSNames[1:] }))
	ipCN := func(s *cmapi.CertificateSpec) { s.CommonName, s.IPAddresses = "192.0.2.1", []string{"192.0.2.1"} }
	droppedIPCN := one(t, issue(func(s *cmapi.CertificateSpec) { ipCN(s); s.CommonName = "" }))
	spec := func(edit ...func(*cmapi.CertificateSpec)) *cmapi.Certificate { return certificate(edit...) }

	for name, c := range map[string]struct {
		got  []string
		want []string
	}{
		"same":                   {CertificateViolations(plain, spec()), nil},
		"same, everything":       {CertificateViolations(full, spec(everything)), nil},
		"CN dropped":             {CertificateViolations(promoted, spec()), nil},
		"CN promoted":            {CertificateViolations(plain, spec(func(s *cmapi.CertificateSpec) { s.CommonName = "" })), nil},
		"CN only in the subject": {CertificateViolations(onlyCN, spec()), nil},
		"IP as CN dropped":       {CertificateViolations(droppedIPCN, spec(ipCN)), nil},
		"issuer's business": {CertificateViolations(plain, spec(func(s *cmapi.CertificateSpec) {
			s.Duration = &metav1.Duration{Duration: 1}
			s.Usages = []cmapi.KeyUsage{"any"}
			s.Subject = &cmapi.X509Subject{SerialNumber: "1"}
		})), nil},
		"literal CN":               {CertificateViolations(plain, spec(func(s *cmapi.CertificateSpec) { s.CommonName, s.LiteralSubject = "", "CN=web.example.com,O=x" })), nil},
		"another CN":               {CertificateViolations(plain, spec(func(s *cmapi.CertificateSpec) { s.CommonName = "other" })), []string{"spec.commonName"}},
		"another literal CN":       {CertificateViolations(plain, spec(func(s *cmapi.CertificateSpec) { s.CommonName, s.LiteralSubject = "", "CN=other,O=x" })), []string{"spec.commonName"}},
		"name missing":             {CertificateViolations(plain, spec(func(s *cmapi.CertificateSpec) { s.DNSNames = append(s.DNSNames, "x") })), []string{"spec.dnsNames"}},
		"name too many":            {CertificateViolations(plain, spec(func(s *cmapi.CertificateSpec) { s.DNSNames = s.DNSNames[:1] })), []string{"spec.dnsNames"}},
		"others":                   {CertificateViolations(full, spec()), []string{"spec.ipAddresses", "spec.uris", "spec.emailAddresses"}},
		"key's algorithm":          {CertificateViolations(plain, spec(func(s *cmapi.CertificateSpec) { s.PrivateKey = nil })), []string{"spec.privateKey.algorithm"}},
		"key's size":               {CertificateViolations(plain, spec(func(s *cmapi.CertificateSpec) { s.PrivateKey.Size = 384 })), []string{"spec.privateKey.size"}},
		"an impossible key's size": {CertificateViolations(plain, spec(func(s *cmapi.CertificateSpec) { s.PrivateKey.Size = 1 })), nil},
	} {
		if !cmp.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}
