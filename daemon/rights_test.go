package daemon

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// What the daemon asks for (preflight.go), what deploy/rbac grants and what
// the daemon does are held against each other: none may have more than the
// others, but for what is named here.

// unasked are rights that are granted and not asked for at the start.
var unasked = map[string]string{
	"update cert-manager.io/certificates/finalizers":                   "asked for by the API server of who blocks an owner's deletion, where OwnerReferencesPermissionEnforcement is on",
	"update acme.cert-manager.io/orders/finalizers":                    "asked for by the API server of who blocks an owner's deletion, where OwnerReferencesPermissionEnforcement is on",
	"update cert-manager.io/certificaterequests/finalizers":            "as for certificates/finalizers, for the Orders of a request",
	"update certificates.k8s.io/certificatesigningrequests/finalizers": "as for certificates/finalizers, for the Orders of a request",

	"approve cert-manager.io/signers issuers.cert-manager.io/*":        "asked for by the admission of approvals",
	"approve cert-manager.io/signers clusterissuers.cert-manager.io/*": "asked for by the admission of approvals",

	"get gateway.networking.k8s.io/httproutes":    "for solvers of HTTP-01 by Gateway alone; a challenge that lacks it says so",
	"create gateway.networking.k8s.io/httproutes": "for solvers of HTTP-01 by Gateway alone; a challenge that lacks it says so",
	"update gateway.networking.k8s.io/httproutes": "for solvers of HTTP-01 by Gateway alone; a challenge that lacks it says so",
	"delete gateway.networking.k8s.io/httproutes": "for solvers of HTTP-01 by Gateway alone; a challenge that lacks it says so",
	"get /pods":    "for solvers of HTTP-01 with a podTemplate alone; a challenge that lacks it says so",
	"create /pods": "for solvers of HTTP-01 with a podTemplate alone; a challenge that lacks it says so",
	"delete /pods": "for solvers of HTTP-01 with a podTemplate alone; a challenge that lacks it says so",
	"create discovery.k8s.io/endpointslices/restricted": "OpenShift alone asks for it",
	"create route.openshift.io/routes/custom-host":      "OpenShift alone asks for it",

	"update networking.k8s.io/ingresses/finalizers":            "asked for by the API server of who blocks an owner's deletion, where OwnerReferencesPermissionEnforcement is on",
	"update gateway.networking.k8s.io/gateways/finalizers":     "asked for by the API server of who blocks an owner's deletion, where OwnerReferencesPermissionEnforcement is on",
	"update gateway.networking.k8s.io/listenersets/finalizers": "asked for by the API server of who blocks an owner's deletion, where OwnerReferencesPermissionEnforcement is on",

	"list discovery.k8s.io/endpointslices":        "optional: without it a rotation waits for its grace time",
	"list operator.kyma-project.io/btpoperators":  "optional: depends on the sets that are configured",
	"watch operator.kyma-project.io/btpoperators": "optional: depends on the sets that are configured",
}

// asked are the rights of preflight.go, one verb each.
func asked() map[string]bool {
	all := map[string]bool{}
	for _, r := range slices.Concat(rights, shimming()) {
		resource := r.group + "/" + r.resource
		if r.subresource != "" {
			resource += "/" + r.subresource
		}
		for _, verb := range r.verbs {
			all[strings.TrimSpace(verb+" "+resource+" "+r.name)] = true
		}
	}
	return all
}

func TestWhatIsAskedForIsGranted(t *testing.T) {
	t.Parallel()
	granted := granted(t)
	for _, right := range slices.Sorted(maps.Keys(asked())) {
		if !granted[right] {
			t.Errorf("deploy/rbac does not grant: %s", right)
		}
	}
}

func TestWhatIsGrantedIsAskedFor(t *testing.T) {
	t.Parallel()
	granted, asked := granted(t), asked()
	for _, right := range slices.Sorted(maps.Keys(granted)) {
		if strings.Contains(right, " coordination.k8s.io/leases") {
			continue // leader election, and the sharing of the work, say themselves what they lack
		}
		switch reason := unasked[right]; {
		case !asked[right] && reason == "":
			t.Errorf("deploy/rbac grants what preflight.go does not ask for: %s; take it away, or name the reason in this test", right)
		case asked[right] && reason != "":
			t.Errorf("named as not asked for, and is: %s", right)
		}
	}
	for right := range unasked {
		if !granted[right] {
			t.Errorf("named here, and not granted any more: %s", right)
		}
	}
}

// granted are the rights that deploy/rbac gives to the daemon's account.
func granted(t *testing.T) map[string]bool {
	t.Helper()
	roles, bound := map[string][]rbacv1.PolicyRule{}, []string{}
	for _, doc := range manifests(t) {
		var role rbacv1.ClusterRole
		var binding rbacv1.ClusterRoleBinding
		switch kind := kindIn(t, doc); kind {
		case "ClusterRole", "Role":
			decode(t, doc, &role)
			roles[kind+" "+role.Name] = role.Rules
		case "ClusterRoleBinding", "RoleBinding":
			decode(t, doc, &binding)
			if slices.ContainsFunc(binding.Subjects, func(s rbacv1.Subject) bool { return s.Kind == "ServiceAccount" && s.Name == "certwright" }) {
				bound = append(bound, binding.RoleRef.Kind+" "+binding.RoleRef.Name)
			}
		}
	}
	all := map[string]bool{}
	for _, name := range bound {
		if roles[name] == nil {
			t.Errorf("%s is bound, and not there", name)
		}
		for _, rule := range roles[name] {
			maps.Copy(all, rightsOf(rule))
		}
	}
	return all
}

func rightsOf(rule rbacv1.PolicyRule) map[string]bool {
	all := map[string]bool{}
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				for _, name := range names {
					all[strings.TrimSpace(fmt.Sprintf("%s %s/%s %s", verb, group, resource, name))] = true
				}
			}
		}
	}
	return all
}

// manifests are the documents of deploy/rbac.
func manifests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../deploy/rbac/*.yaml")
	optional, err2 := filepath.Glob("../deploy/rbac/*/*.yaml")
	if err := errors.Join(err, err2); err != nil || len(files) == 0 || len(optional) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	files = append(files, optional...)
	var docs []string
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, strings.Split(string(raw), "\n---\n")...)
	}
	return docs
}

func kindIn(t *testing.T, doc string) string {
	t.Helper()
	var meta struct{ Kind string }
	if err := yaml.Unmarshal([]byte(doc), &meta); err != nil {
		t.Fatal(err)
	}
	return meta.Kind
}

func decode(t *testing.T, doc string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(doc), into); err != nil {
		t.Fatal(err)
	}
}

// unrequested names the calls of a daemon that it has not asked the right for.
func unrequested(calls map[string]bool) []string {
	may := asked()
	var beyond []string
	for c := range calls {
		verb, resource, _ := strings.Cut(c, " ")
		plural, _, _ := strings.Cut(resource, "/")
		k, known := kinds[plural]
		switch right := verb + " " + k.Group + "/" + resource; {
		case !known || may[right] || unasked[right] != "" || plural == "leases": // discovery and reviews, which everybody may; the lease
		default:
			beyond = append(beyond, right)
		}
	}
	return beyond
}

// The start says what is lacking, and how to mend that, and goes on.
func TestAStartWithoutRights(t *testing.T) {
	bubble(t, func(w *world) {
		a := newActor(w.api, "daemon-1")
		a.forbidden = []string{"create secrets", "update certificates/status"}
		r := w.launchOver(a)
		w.rest()
		r.expectLog(w, "Rights are missing", "kubectl apply -k deploy/rbac", "update certificates/status; create secrets")
		w.withCA()
	})
}

func TestAStartWithoutRightsInOneNamespace(t *testing.T) {
	bubble(t, func(w *world) {
		a := newActor(w.api, "daemon-1")
		a.forbidden = []string{"create secrets", "watch clusterissuers", "create subjectaccessreviews"}
		r := w.launchOver(a, only(ns))
		w.rest()
		r.expectLog(w, "create secrets in "+ns)
		if log := r.log.String(); strings.Contains(log, "clusterissuers") || strings.Contains(log, "subjectaccessreviews") {
			t.Errorf("it misses rights that it does not need:\n%s", log)
		}
	})
}

// Whoever has all rights is told nothing.
func TestAStartWithAllRights(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		r.expectLog(w, `"Keeping certificates" in="all namespaces"`, `"Connected" kubernetes="v1.36.0"`, `"At work"`)
		if log := r.log.String(); strings.Contains(log, "Rights are missing") {
			t.Errorf("it says that rights are missing:\n%s", log)
		}
	})
}
