package shims

import (
	"fmt"
	"slices"
	"strings"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Observed is all that Next looks at.
type Observed struct {
	// Parent is what the key names.
	Parent *Parent
	// Secrets are what is known of each Secret that it asks for.
	Secrets []Shared
	// Former are the Certificates that have the parent among their owners, for
	// Secrets that it asks for no more.
	Former []Shared
}

// Shared is what is known of one Secret.
type Shared struct {
	Secret string
	// Askers are all parents of that kind that ask for it.
	Askers []*Parent
	// Certificate is the one of that name, nil when there is none.
	Certificate *cmapi.Certificate
	// Rival is a Certificate of another name that has this Secret, or nil.
	Rival *cmapi.Certificate
}

// Plan is what is to be done next: writes to different Certificates, and what
// the parent's events say. An empty one is rest.
type Plan struct {
	Create []*cmapi.Certificate
	Change []Change
	Delete []*cmapi.Certificate
	Faults []Fault
}

// Change is a Certificate as it is and as it should be.
type Change struct{ From, To *cmapi.Certificate }

// Next decides on what to do about one parent.
func Next(o Observed, s Settings) Plan {
	p := o.Parent
	if leaving(p.Meta) || p.Orphan || !p.asks(s) {
		return Plan{}
	}
	_, faults := issuerOf(p.Annotations, s)
	faults = append(faults, translate(&cmapi.CertificateSpec{}, p.Annotations)...)
	plan := Plan{Faults: slices.Concat(p.Faults, faults)}
	for _, shared := range o.Secrets {
		plan.decide(p, shared, s)
	}
	if len(faults) > 0 || p.Unclear {
		return plan // whoever made a mistake loses nothing by it
	}
	for _, former := range o.Former {
		if len(former.Askers) == 0 && metav1.IsControlledBy(former.Certificate, p.Meta) && former.Certificate.DeletionTimestamp == nil {
			plan.Delete = append(plan.Delete, former.Certificate)
		}
	}
	return plan
}

func (plan *Plan) blame(faults ...Fault) {
	for _, f := range faults {
		if !slices.Contains(plan.Faults, f) {
			plan.Faults = append(plan.Faults, f)
		}
	}
}

// decide is Next for one Secret.
func (plan *Plan) decide(p *Parent, shared Shared, s Settings) {
	own := wishOf(p, shared.Secret, s)
	plan.blame(own.faults...)
	g := group(slices.SortedFunc(slices.Values(shared.Askers), older))
	crt := shared.Certificate
	switch {
	case crt != nil && !g.owns(crt, p.Kind):
		plan.blame(Fault{own.secretField(), foreign(crt)})
		return
	case crt == nil && shared.Rival != nil:
		plan.blame(Fault{own.secretField(), fmt.Sprintf("Secret %q is kept by Certificate %q already, and none is made: name another Secret, or delete that Certificate", shared.Secret, shared.Rival.Name)})
		return
	}
	wishes := make([]wish, 0, len(g))
	for _, asker := range g {
		wishes = append(wishes, wishOf(asker, shared.Secret, s))
	}
	lead := leader(wishes, crt)
	switch {
	case lead == nil:
	case lead.parent.Meta.UID != p.Meta.UID:
		if len(own.faults) == 0 {
			plan.blame(own.against(*lead)...)
		}
	default:
		plan.write(united(*lead, wishes, crt), g, crt, s)
	}
}

// leader is who writes: the oldest without a fault. Nobody does while the one
// whose Certificate it is has one: another's wish would take its place.
func leader(wishes []wish, crt *cmapi.Certificate) *wish {
	for i := range wishes {
		w := &wishes[i]
		if len(w.faults) == 0 {
			return w
		}
		if crt != nil && metav1.IsControlledBy(crt, w.parent.Meta) {
			return nil
		}
	}
	return nil
}

func (plan *Plan) write(w wish, g group, crt *cmapi.Certificate, s Settings) {
	switch {
	case crt == nil:
		plan.Create = append(plan.Create, w.made(g))
	case crt.DeletionTimestamp != nil: // its end brings us back
	default:
		if to := w.changed(crt, g, s); to != crt {
			plan.Change = append(plan.Change, Change{crt, to})
		}
	}
}

// united adds the names of all who share the Secret. One with a fault keeps the
// names that the Certificate has of it; one that asks another issuer gets none.
func united(lead wish, all []wish, crt *cmapi.Certificate) wish {
	for _, w := range all {
		if w.parent == lead.parent || w.spec.IssuerRef != lead.spec.IssuerRef && len(w.faults) == 0 {
			continue
		}
		spec := w.spec
		if len(w.faults) > 0 {
			spec = had(spec, crt)
		}
		lead.spec.DNSNames = unite(lead.spec.DNSNames, spec.DNSNames)
		lead.spec.IPAddresses = unite(lead.spec.IPAddresses, spec.IPAddresses)
		lead.spec.EmailAddresses = unite(lead.spec.EmailAddresses, spec.EmailAddresses)
	}
	return lead
}

func had(spec cmapi.CertificateSpec, crt *cmapi.Certificate) cmapi.CertificateSpec {
	if crt == nil {
		return cmapi.CertificateSpec{}
	}
	both := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(v string) bool { return !slices.Contains(b, v) })
	}
	return cmapi.CertificateSpec{
		DNSNames: both(spec.DNSNames, crt.Spec.DNSNames), IPAddresses: both(spec.IPAddresses, crt.Spec.IPAddresses),
		EmailAddresses: both(spec.EmailAddresses, crt.Spec.EmailAddresses),
	}
}

// against tells a younger parent where the older one's wish counts.
func (w wish) against(lead wish) []Fault {
	first := fmt.Sprintf("Secret %q is shared with %s, which was there first", w.spec.SecretName, lead.parent)
	if w.spec.IssuerRef != lead.spec.IssuerRef {
		return []Fault{{w.issuerField(), fmt.Sprintf("%s and has %s; this asks for %s, and its names are left out: ask for the same issuer, or name another Secret",
			first, api.DescribeIssuer(lead.spec.IssuerRef), api.DescribeIssuer(w.spec.IssuerRef))}}
	}
	var differing []string
	for _, r := range readings {
		if !r.united && strings.TrimSpace(w.parent.Annotations[r.key]) != strings.TrimSpace(lead.parent.Annotations[r.key]) {
			differing = append(differing, r.key)
		}
	}
	if len(differing) == 0 || sameTemplate(w.spec, lead.spec) {
		return nil
	}
	return []Fault{{annotation(differing[0]), fmt.Sprintf("%s and whose annotations count; they differ in %s: make them equal, or name another Secret", first, strings.Join(differing, ", "))}}
}

// sameTemplate compares all but the names.
func sameTemplate(a, b cmapi.CertificateSpec) bool {
	for _, s := range []*cmapi.CertificateSpec{&a, &b} {
		s.DNSNames, s.IPAddresses, s.EmailAddresses = nil, nil, nil
	}
	return equality.Semantic.DeepEqual(a, b)
}

// issuerField is the annotation that names the issuer.
func (w wish) issuerField() string {
	for _, key := range []string{clusterIssuerKey, issuerKey} {
		if w.parent.Annotations[key] != "" {
			return annotation(key)
		}
	}
	return "the default issuer"
}

// secretField is where the parent names the Secret.
func (w wish) secretField() string {
	for _, e := range w.parent.Entries {
		if e.Secret == w.spec.SecretName {
			entry, _, _ := strings.Cut(e.Where, "]")
			if strings.HasPrefix(entry, "spec.tls[") {
				return entry + "].secretName"
			}
		}
	}
	return "tls.certificateRefs"
}

// foreign says whose a Certificate is.
func foreign(crt *cmapi.Certificate) string {
	whose := "was not made for an annotation"
	if c := metav1.GetControllerOf(crt); c != nil {
		whose = fmt.Sprintf("belongs to %s %q", c.Kind, c.Name)
	}
	return fmt.Sprintf("Certificate %q %s and is left alone: name another Secret, or delete that Certificate", crt.Name, whose)
}
