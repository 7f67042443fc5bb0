package shims

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/certwright/certwright/internal/pki"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Settings are the options of the daemon that count here.
type Settings struct {
	// Issuer is taken where annotations name none; without a name there is none.
	Issuer cmmeta.IssuerReference
	// AutoAnnotations ask for a certificate of the default issuer, when true.
	AutoAnnotations []string
	// ExtraAnnotations are copied from a parent to its Certificates.
	ExtraAnnotations []string
	// ExtraProtocols of listeners end TLS as HTTPS and TLS do.
	ExtraProtocols []string
	// Limits bound the times of a Certificate.
	Limits pki.Limits
}

// applySet is kubectl's mark on what belongs to one of its sets: on a
// Certificate it would have that pruned.
const applySet = "applyset.kubernetes.io/part-of"

// wish is the Certificate that one parent wants for one Secret.
type wish struct {
	parent      *Parent
	spec        cmapi.CertificateSpec
	labels      map[string]string
	annotations map[string]string
	faults      []Fault
}

// wishOf says what a parent wants for a Secret. Its faults are told in terms of
// the parent's own fields and annotations.
func wishOf(p *Parent, secret string, s Settings) wish {
	w := wish{parent: p, labels: maps.Clone(p.Meta.Labels), annotations: certificateAnnotations(p, s)}
	delete(w.labels, applySet)
	spec := &w.spec
	spec.SecretName, spec.Usages = secret, cmapi.DefaultKeyUsages()
	from := map[string]string{} // which field of the parent gave a name
	for _, e := range p.Entries {
		if e.Secret != secret {
			continue
		}
		for _, h := range e.Hosts {
			from[h] = e.Where
			if _, err := netip.ParseAddr(h); err == nil {
				spec.IPAddresses = unite(spec.IPAddresses, []string{h})
			} else {
				spec.DNSNames = unite(spec.DNSNames, []string{h})
			}
		}
	}
	spec.IssuerRef, w.faults = issuerOf(p.Annotations, s)
	w.faults = append(w.faults, translate(spec, p.Annotations)...)
	if len(w.faults) == 0 {
		for _, e := range s.Limits.Validate(spec) {
			w.faults = append(w.faults, Fault{cause(e, spec, from), reason(e)})
		}
	}
	return w
}

// certificateAnnotations are those that the parent's put on the Certificate.
func certificateAnnotations(p *Parent, s Settings) map[string]string {
	all := map[string]string{}
	for _, k := range s.ExtraAnnotations {
		if value, ok := p.Annotations[k]; ok {
			all[k] = value
		}
	}
	maps.Copy(all, p.Overrides)
	if class := p.Annotations[cmapi.IngressACMEIssuerHTTP01IngressClassAnnotationKey]; class != "" {
		all[cmacme.ACMECertificateHTTP01IngressClassOverride] = class
	}
	if class := p.Annotations[cmapi.IngressACMEIssuerHTTP01IngressClassNameAnnotationKey]; class != "" {
		all[cmacme.ACMECertificateHTTP01IngressClassNameOverride] = class
	}
	if p.Annotations[cmacme.IngressEditInPlaceAnnotationKey] == "true" {
		all[cmacme.ACMECertificateHTTP01IngressNameOverride] = p.Meta.Name
		// A load balancer for which the Ingress is edited wants a certificate
		// before it serves anything at all.
		all[cmapi.IssueTemporaryCertificateAnnotation] = "true"
	}
	return all
}

// overrides are the annotations of a Certificate that only annotations of its
// parent put there.
var overrides = []string{
	cmacme.ACMECertificateHTTP01IngressNameOverride,
	cmacme.ACMECertificateHTTP01IngressClassOverride,
	cmacme.ACMECertificateHTTP01IngressClassNameOverride,
	cmacme.ACMECertificateHTTP01ParentRefKind,
	cmacme.ACMECertificateHTTP01ParentRefName,
	cmacme.ACMECertificateHTTP01ParentRefNamespace,
}

// cause is the field of the parent from which a faulty field of the spec came.
func cause(e *field.Error, spec *cmapi.CertificateSpec, from map[string]string) string {
	for _, names := range []struct {
		field string
		names []string
	}{{"spec.dnsNames[", spec.DNSNames}, {"spec.ipAddresses[", spec.IPAddresses}} {
		if !strings.HasPrefix(e.Field, names.field) {
			continue
		}
		if value, ok := e.BadValue.(string); ok && slices.Contains(names.names, value) && from[value] != "" {
			return from[value]
		}
	}
	found := ""
	for _, r := range readings {
		if strings.HasPrefix(e.Field, r.field) && len(r.field) >= len(found) {
			found = r.field
		}
	}
	for _, r := range readings {
		if r.field == found && found != "" {
			return annotation(r.key)
		}
	}
	switch {
	case strings.HasPrefix(e.Field, "spec.secretName"):
		return "the name of the Secret"
	case strings.HasPrefix(e.Field, "spec.issuerRef"):
		return "the issuer"
	default:
		return "the Certificate's " + e.Field
	}
}

// reason is an error without its field, which is not the parent's.
func reason(e *field.Error) string { return strings.TrimPrefix(e.ErrorBody(), "Invalid value: ") }
