package webpage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// IssuerEntry is an issuer as it is shown.
type IssuerEntry struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	Ready     bool   `json:"ready"`
	Reason    string `json:"reason,omitempty"`
	Message   string `json:"message,omitempty"`
	// CAExpires is of the CA certificate that it signs with, where that is at
	// hand: a Secret of somebody else's is only in the memory of the replica
	// that signs with it.
	CAExpires    *time.Time `json:"caExpires,omitempty"`
	Certificates int        `json:"certificates"`
}

// issuers lists all of them, those first that are not ready.
func (o Options) issuers() []IssuerEntry {
	used := map[string]int{}
	for _, crt := range o.Caches.Certificates() {
		ref := api.IssuerRef(crt.Spec.IssuerRef)
		if api.OwnGroup(ref) {
			used[issuerKey(ref.Kind, crt.Namespace, ref.Name)]++
		}
	}
	var all []IssuerEntry
	for _, i := range o.Caches.Issuers() {
		all = append(all, o.issuer(cmapi.IssuerKind, i, i.Namespace, used))
	}
	for _, i := range o.Caches.ClusterIssuers() {
		all = append(all, o.issuer(cmapi.ClusterIssuerKind, i, o.ClusterNamespace, used))
	}
	slices.SortFunc(all, func(a, b IssuerEntry) int {
		if a.Ready != b.Ready {
			return map[bool]int{true: 1, false: -1}[a.Ready]
		}
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return all
}

// issuerKey is of a kind that is namespaced, or not.
func issuerKey(kind, namespace, name string) string {
	if kind == cmapi.ClusterIssuerKind {
		namespace = ""
	}
	return kind + "/" + namespace + "/" + name
}

func (o Options) issuer(kind string, i cmapi.GenericIssuer, secrets string, used map[string]int) IssuerEntry {
	e := IssuerEntry{
		Kind: kind, Namespace: i.GetNamespace(), Name: i.GetName(), Type: issuerType(i.GetSpec()),
		Ready: api.IssuerReady(i), Certificates: used[issuerKey(kind, i.GetNamespace(), i.GetName())],
	}
	if c := api.IssuerCondition(i.GetStatus()); c != nil {
		e.Reason, e.Message = c.Reason, c.Message
	}
	if ca := i.GetSpec().CA; ca != nil {
		e.CAExpires = o.endOf(secrets, ca.SecretName)
	}
	return e
}

func issuerType(s *cmapi.IssuerSpec) string {
	switch {
	case s.ACME != nil:
		return "ACME"
	case s.CA != nil:
		return "CA"
	case s.Vault != nil:
		return "Vault"
	case s.SelfSigned != nil:
		return "SelfSigned"
	case s.Venafi != nil:
		return "Venafi"
	default:
		return "none"
	}
}

// endOf is when the certificate of a Secret ends that is in memory anyway.
func (o Options) endOf(namespace, name string) *time.Time {
	s := o.Caches.KnownSecret(namespace, name)
	if s == nil {
		return nil
	}
	certs, err := pki.ParseCertificates(s.Data["tls.crt"])
	if err != nil || len(certs) == 0 {
		return nil
	}
	end := certs[0].NotAfter.UTC()
	return &end
}
