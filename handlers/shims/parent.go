package shims

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Parent is an Ingress, Gateway or ListenerSet, reduced to what it asks for.
type Parent struct {
	Kind queue.Kind
	// Meta is shared with the cache. Annotations are those that count: a
	// ListenerSet has its Gateway's issuer in them.
	Meta        *metav1.ObjectMeta
	Annotations map[string]string
	// Entries are what names are asked for, in the order of the object.
	Entries []Entry
	// Named are all Secrets that the object names, also where it asks for
	// nothing: their Certificates are not deleted.
	Named []string
	// Faults are what is wrong with the object itself.
	Faults []Fault
	// Unclear is an entry that names no Secret: one may be missing from Named.
	Unclear bool
	// Orphan is a ListenerSet whose Gateway is not there: nothing is known of it.
	Orphan bool
	// Overrides are annotations that tell the Certificate's challenges their way.
	Overrides map[string]string
}

// Entry asks for names in a Secret.
type Entry struct {
	Secret string
	Hosts  []string
	// Where is the field that names the hosts: "spec.tls[0].hosts".
	Where string
}

// Fault is what is wrong, and how to mend it.
type Fault struct{ Where, Text string }

func (f Fault) String() string { return f.Where + ": " + f.Text }

// parentKind is a kind of parent as the API spells it.
func parentKind(k queue.Kind) schema.GroupVersionKind {
	switch k {
	case queue.Gateway:
		return schema.GroupVersion(gatewayv1.GroupVersion).WithKind("Gateway")
	case queue.ListenerSet:
		return schema.GroupVersion(gatewayv1.GroupVersion).WithKind("ListenerSet")
	default:
		return networkingv1.SchemeGroupVersion.WithKind("Ingress")
	}
}

func (p *Parent) noun() string { return parentKind(p.Kind).Kind }

func (p *Parent) fault(where, format string, args ...any) {
	p.Faults = append(p.Faults, Fault{where, fmt.Sprintf(format, args...)})
}

func (p *Parent) name(secret string) {
	if secret != "" && !slices.Contains(p.Named, secret) {
		p.Named = append(p.Named, secret)
	}
}

// leaving reports a parent that is being deleted, whose Certificates go with
// it: one made now would outlive it, or be deleted at once.
func leaving(m *metav1.ObjectMeta) bool {
	return m.DeletionTimestamp != nil || slices.Contains(m.Finalizers, metav1.FinalizerDeleteDependents)
}

// asks reports whether a parent asks for certificates at all. Annotations that
// ask for one from the default issuer count on Ingresses only.
func (p *Parent) asks(s Settings) bool {
	for _, key := range []string{cmapi.IngressIssuerNameAnnotationKey, cmapi.IngressClusterIssuerNameAnnotationKey} {
		if _, ok := p.Annotations[key]; ok {
			return true
		}
	}
	return p.Kind == queue.Ingress && slices.ContainsFunc(s.AutoAnnotations, func(key string) bool {
		yes, err := strconv.ParseBool(p.Annotations[key])
		return yes && err == nil
	})
}

// older orders parents by age; the name decides between those of one second.
func older(a, b *Parent) int {
	return cmp.Or(a.Meta.CreationTimestamp.Compare(b.Meta.CreationTimestamp.Time), strings.Compare(a.Meta.Name, b.Meta.Name))
}

func (p *Parent) String() string { return fmt.Sprintf("%s %q", p.noun(), p.Meta.Name) }
