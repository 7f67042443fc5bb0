package shims

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// reading is a line of the table of annotations: what one does to a spec. An
// empty value is none: templates leave such behind.
type reading struct {
	key string
	// field is what pki.Validate names when the value is wrong.
	field string
	// united annotations add names, of which sharers of a Secret want all.
	united bool
	apply  func(spec *cmapi.CertificateSpec, value string) error
}

// readings is the table: every annotation of the contract that goes into the
// spec. Those of the issuer are in issuer.go, those that become annotations of
// the Certificate in wish.go.
var readings = []reading{
	{cmapi.CommonNameAnnotationKey, "spec.commonName", false, text(func(s *cmapi.CertificateSpec) *string { return &s.CommonName })},
	{cmapi.AltNamesAnnotationKey, "spec.dnsNames", true, list(func(s *cmapi.CertificateSpec) *[]string { return &s.DNSNames })},
	{cmapi.IPSANAnnotationKey, "spec.ipAddresses", true, list(func(s *cmapi.CertificateSpec) *[]string { return &s.IPAddresses })},
	{cmapi.EmailsAnnotationKey, "spec.emailAddresses", true, list(func(s *cmapi.CertificateSpec) *[]string { return &s.EmailAddresses })},
	{cmapi.SubjectOrganizationsAnnotationKey, "spec.subject.organizations", false, quoted(func(s *cmapi.X509Subject) *[]string { return &s.Organizations })},
	{cmapi.SubjectOrganizationalUnitsAnnotationKey, "spec.subject.organizationalUnits", false, quoted(func(s *cmapi.X509Subject) *[]string { return &s.OrganizationalUnits })},
	{cmapi.SubjectCountriesAnnotationKey, "spec.subject.countries", false, quoted(func(s *cmapi.X509Subject) *[]string { return &s.Countries })},
	{cmapi.SubjectProvincesAnnotationKey, "spec.subject.provinces", false, quoted(func(s *cmapi.X509Subject) *[]string { return &s.Provinces })},
	{cmapi.SubjectLocalitiesAnnotationKey, "spec.subject.localities", false, quoted(func(s *cmapi.X509Subject) *[]string { return &s.Localities })},
	{cmapi.SubjectStreetAddressesAnnotationKey, "spec.subject.streetAddresses", false, quoted(func(s *cmapi.X509Subject) *[]string { return &s.StreetAddresses })},
	{cmapi.SubjectPostalCodesAnnotationKey, "spec.subject.postalCodes", false, quoted(func(s *cmapi.X509Subject) *[]string { return &s.PostalCodes })},
	{cmapi.SubjectSerialNumberAnnotationKey, "spec.subject.serialNumber", false, func(s *cmapi.CertificateSpec, v string) error {
		subject(s).SerialNumber = v
		return nil
	}},
	{cmapi.DurationAnnotationKey, "spec.duration", false, duration(func(s *cmapi.CertificateSpec) **metav1.Duration { return &s.Duration })},
	{cmapi.RenewBeforeAnnotationKey, "spec.renewBefore", false, duration(func(s *cmapi.CertificateSpec) **metav1.Duration { return &s.RenewBefore })},
	{cmapi.RenewBeforePercentageAnnotationKey, "spec.renewBeforePercentage", false, number("a percentage: write for example 25", func(s *cmapi.CertificateSpec) **int32 { return &s.RenewBeforePercentage })},
	{cmapi.UsagesAnnotationKey, "spec.usages", false, func(s *cmapi.CertificateSpec, v string) error {
		s.Usages = nil
		for _, u := range split(v) {
			s.Usages = append(s.Usages, cmapi.KeyUsage(u))
		}
		return nil // the names are judged with the spec
	}},
	{cmapi.RevisionHistoryLimitAnnotationKey, "spec.revisionHistoryLimit", false, number("a number of requests: write for example 1", func(s *cmapi.CertificateSpec) **int32 { return &s.RevisionHistoryLimit })},
	{cmapi.PrivateKeyAlgorithmAnnotationKey, "spec.privateKey.algorithm", false, oneOf(func(k *cmapi.CertificatePrivateKey) *cmapi.PrivateKeyAlgorithm { return &k.Algorithm },
		cmapi.RSAKeyAlgorithm, cmapi.ECDSAKeyAlgorithm, cmapi.Ed25519KeyAlgorithm)},
	{cmapi.PrivateKeyEncodingAnnotationKey, "spec.privateKey.encoding", false, oneOf(func(k *cmapi.CertificatePrivateKey) *cmapi.PrivateKeyEncoding { return &k.Encoding },
		cmapi.PKCS1, cmapi.PKCS8)},
	{cmapi.PrivateKeySizeAnnotationKey, "spec.privateKey.size", false, func(s *cmapi.CertificateSpec, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil {
			return fmt.Errorf("%.80q is not a number of bits: write for example 2048 for RSA, or 256 for ECDSA", v)
		}
		key(s).Size = n
		return nil
	}},
	{cmapi.PrivateKeyRotationPolicyAnnotationKey, "spec.privateKey.rotationPolicy", false, oneOf(func(k *cmapi.CertificatePrivateKey) *cmapi.PrivateKeyRotationPolicy { return &k.RotationPolicy },
		cmapi.RotationPolicyAlways, cmapi.RotationPolicyNever)},
	{cmapi.IngressSecretTemplate, "spec.secretTemplate", false, secretTemplate},
}

// translate puts what the annotations say into a spec.
func translate(spec *cmapi.CertificateSpec, annotations map[string]string) (faults []Fault) {
	for _, r := range readings {
		value := annotations[r.key]
		if strings.TrimSpace(value) == "" {
			continue
		}
		if err := r.apply(spec, value); err != nil {
			faults = append(faults, Fault{annotation(r.key), err.Error()})
		}
	}
	return faults
}

// annotation names one as messages do.
func annotation(key string) string { return "metadata.annotations[" + key + "]" }

func subject(s *cmapi.CertificateSpec) *cmapi.X509Subject {
	if s.Subject == nil {
		s.Subject = &cmapi.X509Subject{}
	}
	return s.Subject
}

func key(s *cmapi.CertificateSpec) *cmapi.CertificatePrivateKey {
	if s.PrivateKey == nil {
		s.PrivateKey = &cmapi.CertificatePrivateKey{}
	}
	return s.PrivateKey
}

type apply = func(*cmapi.CertificateSpec, string) error

func text(field func(*cmapi.CertificateSpec) *string) apply {
	return func(s *cmapi.CertificateSpec, v string) error {
		*field(s) = v
		return nil
	}
}

// list adds what is between commas.
func list(field func(*cmapi.CertificateSpec) *[]string) apply {
	return func(s *cmapi.CertificateSpec, v string) error {
		*field(s) = unite(*field(s), split(v))
		return nil
	}
}

// quoted is a line of CSV (RFC 4180), so that a street may have a comma in it.
func quoted(field func(*cmapi.X509Subject) *[]string) apply {
	return func(s *cmapi.CertificateSpec, v string) error {
		const remedy = `write values with commas between, and one with a comma in it in double quotes: "10 Downing Street, Westminster",Manchester`
		r := csv.NewReader(strings.NewReader(v))
		values, err := r.Read()
		if err != nil {
			return fmt.Errorf("%.80q cannot be split into values (%w): %s", v, parseCause(err), remedy)
		}
		if _, err := r.Read(); !errors.Is(err, io.EOF) {
			return fmt.Errorf("%.80q has several lines: %s", v, remedy)
		}
		*field(subject(s)) = values
		return nil
	}
}

// parseCause leaves out where in the text the fault is.
func parseCause(err error) error {
	if at, ok := errors.AsType[*csv.ParseError](err); ok {
		return at.Err
	}
	return err
}

func duration(field func(*cmapi.CertificateSpec) **metav1.Duration) apply {
	return func(s *cmapi.CertificateSpec, v string) error {
		d, err := time.ParseDuration(strings.TrimSpace(v))
		if err != nil {
			return fmt.Errorf("%.80q is not a duration: write for example 2160h (days have no unit of their own)", v)
		}
		*field(s) = &metav1.Duration{Duration: d}
		return nil
	}
}

func number(wanted string, field func(*cmapi.CertificateSpec) **int32) apply {
	return func(s *cmapi.CertificateSpec, v string) error {
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 32)
		if err != nil {
			return fmt.Errorf("%.80q is not %s", v, wanted)
		}
		n32 := int32(n)
		*field(s) = &n32
		return nil
	}
}

func oneOf[T ~string](field func(*cmapi.CertificatePrivateKey) *T, allowed ...T) apply {
	return func(s *cmapi.CertificateSpec, v string) error {
		if !slices.Contains(allowed, T(v)) {
			names := make([]string, 0, len(allowed))
			for _, a := range allowed {
				names = append(names, string(a))
			}
			return fmt.Errorf("%.80q is unknown: use %s", v, strings.Join(names, " or "))
		}
		*field(key(s)) = T(v)
		return nil
	}
}

func secretTemplate(s *cmapi.CertificateSpec, v string) error {
	const example = `write for example {"annotations":{"example.com/a":"b"},"labels":{"c":"d"}}`
	d := json.NewDecoder(strings.NewReader(v))
	d.DisallowUnknownFields()
	var t cmapi.CertificateSecretTemplate
	if err := d.Decode(&t); err != nil {
		return fmt.Errorf("it is not the JSON of a Secret template (%w): %s", err, example)
	}
	if d.More() {
		return errors.New("there is more behind the JSON of the Secret template: " + example)
	}
	for name := range t.Annotations {
		if strings.HasPrefix(name, certmanager.GroupName+"/") && name != cmapi.AllowsInjectionFromSecretAnnotation {
			return fmt.Errorf("annotation %.80q is not the template's to set: take it out", name)
		}
	}
	if len(t.Annotations)+len(t.Labels) > 0 {
		s.SecretTemplate = &t
	}
	return nil
}

// split returns what is between commas, without what is blank.
func split(v string) []string {
	var all []string
	for part := range strings.SplitSeq(v, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// unite appends those of more that are not there yet.
func unite(all, more []string) []string {
	for _, one := range more {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}
