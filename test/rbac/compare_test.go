package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/certwright/certwright/test/harness"
)

const (
	account = "system:serviceaccount:cert-manager:certwright"
	roles   = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: certwright}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [get, patch]}
- {apiGroups: [cert-manager.io], resources: [certificates/status], verbs: [update]}
- {apiGroups: [cert-manager.io], resources: [certificates/finalizers], verbs: [update]}
- {apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: ["issuers.cert-manager.io/*"], verbs: [sign]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: lease, namespace: kube-system}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [mine], verbs: [get]}
`
)

func use(verb, group, resource, namespace, name string) harness.RightUse {
	return harness.RightUse{User: account, Verb: verb, Group: group, Resource: resource, Namespace: namespace, Name: name}
}

// all uses each right of roles, and nothing else.
func all() harness.RightsRecord {
	return harness.RightsRecord{
		Allowed: []harness.RightUse{
			use("get", "", "secrets", "shop", "a"), use("patch", "", "secrets", "shop", "b"),
			use("update", "cert-manager.io", "certificates/status", "shop", "web"),
			use("get", "coordination.k8s.io", "leases", "kube-system", "mine"),
		},
		Asked: []harness.RightUse{
			use("update", "cert-manager.io", "certificates/finalizers", "shop", "web"),
			use("sign", "certificates.k8s.io", "signers", "", "issuers.cert-manager.io/shop.ca"),
		},
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	refused := use("create", "", "pods", "shop", "")
	ending := refused
	ending.Words = "unable to create new content in namespace shop because it is being terminated"
	unread := use("patch", "", "secrets", "shop", "c")
	unread.Words = `secrets "c" is forbidden: User "x" cannot patch resource "secrets" in API group "" in the namespace "shop"`
	blocked := use("patch", "", "secrets", "shop", "c")
	blocked.Words = `secrets "c" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on`
	for name, row := range map[string]struct {
		roles                    string
		record                   func(*harness.RightsRecord)
		unused, missing, rightsN string
	}{
		"all is used": {roles: roles, rightsN: "6"},
		"one right too many": {
			roles: strings.Replace(roles, "verbs: [get, patch]", "verbs: [get, patch, list]", 1), rightsN: "7",
			unused: "ClusterRole certwright: list secrets",
		},
		"one right too few": {
			roles: strings.Replace(roles, "verbs: [get, patch]", "verbs: [get]", 1), rightsN: "5",
			record: func(r *harness.RightsRecord) {
				r.Allowed = append(r.Allowed[:1], r.Allowed[2:]...)
				r.Refused = []harness.RightUse{use("patch", "", "secrets", "shop", "b")}
			},
			missing: "patch secrets",
		},
		"a use of somebody else": {
			roles: roles, rightsN: "6", unused: "ClusterRole certwright: get secrets",
			record: func(r *harness.RightsRecord) { r.Allowed[0].User = "system:serviceaccount:shop:other" },
		},
		"a lease of another name": {
			roles: roles, rightsN: "6", unused: "Role lease: get coordination.k8s.io/leases mine",
			record: func(r *harness.RightsRecord) { r.Allowed[3].Name = "theirs" },
		},
		"a lease elsewhere": {
			roles: roles, rightsN: "6", unused: "Role lease: get coordination.k8s.io/leases mine",
			record: func(r *harness.RightsRecord) { r.Allowed[3].Namespace = "shop" },
		},
		"one of many numbers": {
			roles: strings.Replace(roles, "resourceNames: [mine]", "resourceNames: [mine-0, mine-1, mine-10]", 1), rightsN: "6",
			record: func(r *harness.RightsRecord) { r.Allowed[3].Name = "mine-1" },
		},
		"nobody asked for finalizers": {
			roles: roles, rightsN: "6", unused: "ClusterRole certwright: update cert-manager.io/certificates/finalizers",
			record: func(r *harness.RightsRecord) { r.Asked = r.Asked[1:] },
		},
		"only the daemon's own look at its right to sign": {
			roles: roles, rightsN: "6", unused: "ClusterRole certwright: sign certificates.k8s.io/signers issuers.cert-manager.io/*",
			record: func(r *harness.RightsRecord) { r.Asked[1].Name = "issuers.cert-manager.io/*" },
		},
		"admission refuses": {
			roles: roles, rightsN: "6", missing: "create pods",
			record: func(r *harness.RightsRecord) { r.Refused = []harness.RightUse{refused, refused} },
		},
		"admission refuses what a role allows": {
			roles: roles, rightsN: "6", missing: "patch secrets",
			record: func(r *harness.RightsRecord) { r.Refused = []harness.RightUse{blocked} },
		},
		"an API server that has not read the role yet": {
			roles: roles, rightsN: "6",
			record: func(r *harness.RightsRecord) { r.Refused = []harness.RightUse{unread} },
		},
		"a namespace that ends": {
			roles: roles, rightsN: "6",
			record: func(r *harness.RightsRecord) { r.Refused = []harness.RightUse{ending} },
		},
		"an external issuer": {
			roles: roles, rightsN: "6",
			record: func(r *harness.RightsRecord) {
				r.Refused = []harness.RightUse{use("get", "issuers.example.com", "theirissuers", "shop", "x")}
			},
		},
		"a webhook solver": {
			roles: roles, rightsN: "6",
			record: func(r *harness.RightsRecord) {
				r.Refused = []harness.RightUse{use("create", "acme.shop.test", "rfc2136", "", "")}
			},
		},
		"creating elsewhere": {
			roles: roles, rightsN: "6", missing: "create issuers.example.com/theirissuers",
			record: func(r *harness.RightsRecord) {
				r.Refused = []harness.RightUse{use("create", "issuers.example.com", "theirissuers", "shop", "x")}
			},
		},
		"writing one": {
			roles: roles, rightsN: "6", missing: "update issuers.example.com/theirissuers",
			record: func(r *harness.RightsRecord) {
				r.Refused = []harness.RightUse{use("update", "issuers.example.com", "theirissuers", "shop", "x")}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manifests, err := harness.ParseManifests([]byte(row.roles))
			if err != nil {
				t.Fatal(err)
			}
			rights, err := rightsIn(manifests)
			if err != nil {
				t.Fatal(err)
			}
			record := all()
			if row.record != nil {
				row.record(&record)
			}
			v := compare(rights, account, []harness.RightsRecord{record})
			var unused, missing []string
			for _, r := range v.unused {
				unused = append(unused, r.String())
			}
			for _, u := range v.missing {
				missing = append(missing, strings.TrimPrefix(right{verb: u.Verb, group: u.Group, resource: u.Resource}.String(), ": "))
			}
			got := fmt.Sprintf("%d / %s / %s", v.rights, strings.Join(unused, ", "), strings.Join(missing, ", "))
			if want := fmt.Sprintf("%s / %s / %s", row.rightsN, row.unused, row.missing); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestWildcards(t *testing.T) {
	t.Parallel()
	manifests, err := harness.ParseManifests([]byte(strings.Replace(roles, "[get, patch]", `["*"]`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rightsIn(manifests); err == nil || !strings.Contains(err.Error(), "wildcard") {
		t.Errorf("got %v", err)
	}
}
