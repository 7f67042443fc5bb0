package certificaterequests

import (
	"fmt"

	"github.com/certwright/certwright/internal/api"

	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Approver tells which requests we approve ourselves. The zero Approver leaves
// all approving to others, such as approver-policy.
type Approver struct {
	// All approves requests for every signer there is.
	All bool
	// Allows tells whether to approve for a signer, by its name. nil: none.
	Allows func(signer string) bool
	// Resource tells the plural resource name of a kind of another group, and
	// whether the kind is cluster-scoped. nil: no other group is approved for.
	Resource func(schema.GroupKind) (plural string, cluster bool, err error)
}

// Approves reports whether approving a request made in a namespace for an
// issuer falls to us.
func (a Approver) Approves(namespace string, ref cmmeta.IssuerReference) bool {
	if a.All || a.Allows == nil {
		return a.All
	}
	name, ok := a.signer(namespace, api.IssuerRef(ref))
	return ok && a.Allows(name)
}

// signer is the name by which approval rights are given (contract 1.5):
// plural.group/namespace.name, or plural.group/name for cluster-scoped kinds.
func (a Approver) signer(namespace string, ref cmmeta.IssuerReference) (string, bool) {
	plural, cluster, err := a.resource(schema.GroupKind{Group: ref.Group, Kind: ref.Kind})
	if err != nil {
		return "", false
	}
	if cluster {
		return plural + "." + ref.Group + "/" + ref.Name, true
	}
	return plural + "." + ref.Group + "/" + namespace + "." + ref.Name, true
}

func (a Approver) resource(kind schema.GroupKind) (plural string, cluster bool, err error) {
	switch kind {
	case schema.GroupKind{Group: certmanager.GroupName, Kind: cmapi.IssuerKind}:
		return "issuers", false, nil
	case schema.GroupKind{Group: certmanager.GroupName, Kind: cmapi.ClusterIssuerKind}:
		return "clusterissuers", true, nil
	}
	if a.Resource == nil {
		return "", false, fmt.Errorf("kind %s is unknown", kind)
	}
	return a.Resource(kind)
}
