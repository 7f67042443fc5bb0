package shims

import (
	"fmt"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

// Issuer annotations, as the contract spells them.
const (
	issuerKey        = cmapi.IngressIssuerNameAnnotationKey
	clusterIssuerKey = cmapi.IngressClusterIssuerNameAnnotationKey
	issuerKindKey    = cmapi.IssuerKindAnnotationKey
	issuerGroupKey   = cmapi.IssuerGroupAnnotationKey
)

// issuerOf is the issuer that annotations name, else the default one.
func issuerOf(annotations map[string]string, s Settings) (ref cmmeta.IssuerReference, faults []Fault) {
	ref = s.Issuer
	if name := annotations[issuerKey]; name != "" {
		ref.Name, ref.Kind = name, cmapi.IssuerKind
	}
	cluster := annotations[clusterIssuerKey]
	if cluster != "" {
		ref.Name, ref.Kind = cluster, cmapi.ClusterIssuerKind
		for _, other := range []string{issuerKey, issuerKindKey, issuerGroupKey} {
			if annotations[other] != "" {
				faults = append(faults, Fault{annotation(other), fmt.Sprintf("it contradicts %s: take out one of the two", clusterIssuerKey)})
			}
		}
	}
	if kind := annotations[issuerKindKey]; kind != "" && cluster == "" {
		ref.Kind = kind
	}
	if group := annotations[issuerGroupKey]; group != "" && cluster == "" {
		ref.Group = group
	}
	ref = api.IssuerRef(ref)
	return ref, append(faults, issuerFaults(ref, annotations)...)
}

func issuerFaults(ref cmmeta.IssuerReference, annotations map[string]string) []Fault {
	if ref.Name == "" {
		for _, given := range []string{issuerKey, clusterIssuerKey} {
			if _, ok := annotations[given]; ok {
				return []Fault{{annotation(given), "it is empty: name an issuer, or start certwright with --default-issuer-name"}}
			}
		}
		return []Fault{{annotation(issuerKey), fmt.Sprintf("it is missing, and there is no default issuer: add it or %s, or start certwright with --default-issuer-name", clusterIssuerKey)}}
	}
	if api.OwnGroup(ref) && !api.KnownKind(ref) {
		return []Fault{{annotation(issuerKindKey), fmt.Sprintf("%.80q is no kind of group %s: use Issuer or ClusterIssuer, or name its group with %s", ref.Kind, ref.Group, issuerGroupKey)}}
	}
	return nil
}
