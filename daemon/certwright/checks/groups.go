package checks

import (
	"fmt"
	"strings"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
)

const applyCRDs = "install the CustomResourceDefinitions: kubectl apply -k deploy/crds"

// checkGroups looks whether both groups are served with all their resources.
func checkGroups(d discovery.ServerResourcesInterface) []Finding {
	return []Finding{
		checkGroup(d, cmapi.SchemeGroupVersion.String(), "certificates", "certificates/status",
			"certificaterequests", "certificaterequests/status", "issuers", "issuers/status", "clusterissuers", "clusterissuers/status"),
		checkGroup(d, cmacme.SchemeGroupVersion.String(), "orders", "orders/status", "challenges", "challenges/status"),
	}
}

func checkGroup(d discovery.ServerResourcesInterface, groupVersion string, wanted ...string) Finding {
	list, err := d.ServerResourcesForGroupVersion(groupVersion)
	if apierrors.IsNotFound(err) {
		return Finding{Failed, groupVersion + " is not served", applyCRDs}
	}
	if err != nil {
		return Finding{Failed, fmt.Sprintf("%s cannot be looked up: %v", groupVersion, err), "look at the log of the API server"}
	}
	served := map[string]bool{}
	for _, r := range list.APIResources {
		served[r.Name] = true
	}
	var missing []string
	for _, w := range wanted {
		if !served[w] {
			missing = append(missing, w)
		}
	}
	if len(missing) > 0 {
		return Finding{Failed, fmt.Sprintf("%s is served without %s", groupVersion, strings.Join(missing, ", ")), applyCRDs}
	}
	return Finding{OK, groupVersion + " is served", ""}
}
