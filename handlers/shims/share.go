package shims

import (
	"maps"
	"slices"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// group is the parents of one kind and namespace that ask for one Secret,
// oldest first.
type group []*Parent

func (g group) has(uid types.UID) bool {
	return slices.ContainsFunc(g, func(p *Parent) bool { return p.Meta.UID == uid })
}

// owns reports whether a Certificate is one that this group keeps: its
// controller is one of the group, or was before it left or was made anew.
func (g group) owns(crt *cmapi.Certificate, kind queue.Kind) bool {
	controller := metav1.GetControllerOf(crt)
	if controller == nil || ofKind(*controller, kind) {
		if slices.ContainsFunc(crt.OwnerReferences, func(r metav1.OwnerReference) bool { return ofKind(r, kind) && g.has(r.UID) }) {
			return true
		}
	}
	return controller != nil && ofKind(*controller, kind) && slices.ContainsFunc(g, func(p *Parent) bool { return p.Meta.Name == controller.Name })
}

// ofKind reports an owner of a kind of parent, in whatever version of its API.
func ofKind(r metav1.OwnerReference, kind queue.Kind) bool {
	gv, err := schema.ParseGroupVersion(r.APIVersion)
	want := parentKind(kind)
	return err == nil && gv.Group == want.Group && r.Kind == want.Kind
}

// owners are the owner references of a Certificate of the group: one controls
// it, the others keep it alive. Owners of other kinds are not ours to judge.
func (g group) owners(lead *Parent, before []metav1.OwnerReference) []metav1.OwnerReference {
	kind := parentKind(lead.Kind)
	all := []metav1.OwnerReference{*metav1.NewControllerRef(lead.Meta, kind)}
	for _, p := range g {
		if p != lead {
			all = append(all, metav1.OwnerReference{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: p.Meta.Name, UID: p.Meta.UID})
		}
	}
	for _, r := range before {
		if !ofKind(r, lead.Kind) {
			all = append(all, r)
		}
	}
	if sameOwners(all, before) {
		return before
	}
	return all
}

func sameOwners(a, b []metav1.OwnerReference) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(r metav1.OwnerReference) bool {
		return !slices.ContainsFunc(b, func(o metav1.OwnerReference) bool {
			controls := func(r metav1.OwnerReference) bool { return r.Controller != nil && *r.Controller }
			return o.UID == r.UID && o.Name == r.Name && controls(o) == controls(r)
		})
	})
}

// made is the Certificate that does not exist yet.
func (w wish) made(g group) *cmapi.Certificate {
	return &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.parent.Meta.Namespace, Name: w.spec.SecretName, Labels: w.labels, Annotations: w.annotations,
			OwnerReferences: g.owners(w.parent, nil),
		},
		Spec: w.spec,
	}
}

// changed is a Certificate as it should be; the same pointer when it is so.
func (w wish) changed(old *cmapi.Certificate, g group, s Settings) *cmapi.Certificate {
	crt := old.DeepCopy()
	crt.OwnerReferences = g.owners(w.parent, old.OwnerReferences)
	if len(old.Labels)+len(w.labels) > 0 {
		crt.Labels = w.labels
	}
	crt.Annotations = w.annotated(old.Annotations, s)
	w.overlay(&crt.Spec)
	if equality.Semantic.DeepEqual(old, crt) {
		return old
	}
	return crt
}

// annotated sets what the parent says, takes out what only a parent could have
// put there, and leaves the rest.
func (w wish) annotated(old map[string]string, s Settings) map[string]string {
	all := maps.Clone(old)
	if all == nil {
		all = map[string]string{}
	}
	if all[cmacme.ACMECertificateHTTP01IngressNameOverride] != "" {
		delete(all, cmapi.IssueTemporaryCertificateAnnotation) // they come together
	}
	for _, k := range slices.Concat(overrides, s.ExtraAnnotations) {
		delete(all, k)
	}
	maps.Copy(all, w.annotations)
	if len(all) == 0 {
		return nil
	}
	return all
}

// overlay sets the fields that annotations can express, and no others. What
// means the same is left as it is written.
func (w wish) overlay(spec *cmapi.CertificateSpec) {
	want := w.spec
	spec.SecretName, spec.CommonName, spec.Subject = want.SecretName, want.CommonName, want.Subject
	keep(&spec.DNSNames, want.DNSNames)
	keep(&spec.IPAddresses, want.IPAddresses)
	keep(&spec.EmailAddresses, want.EmailAddresses)
	keep(&spec.Usages, want.Usages)
	if api.IssuerRef(spec.IssuerRef) != want.IssuerRef {
		spec.IssuerRef = want.IssuerRef
	}
	spec.Duration, spec.RenewBefore, spec.RenewBeforePercentage = want.Duration, want.RenewBefore, want.RenewBeforePercentage
	spec.RevisionHistoryLimit, spec.SecretTemplate = want.RevisionHistoryLimit, want.SecretTemplate
	if spec.PrivateKey == nil || want.PrivateKey != nil || *spec.PrivateKey != (cmapi.CertificatePrivateKey{}) {
		spec.PrivateKey = want.PrivateKey
	}
}

// keep leaves a list that has the same members in another order.
func keep[T comparable](have *[]T, want []T) {
	same := len(*have) == len(want) && !slices.ContainsFunc(want, func(v T) bool { return !slices.Contains(*have, v) })
	if !same {
		*have = slices.Clone(want)
	}
}
