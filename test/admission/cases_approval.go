package admission

import (
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

type conditions = []cmapi.CertificateRequestCondition

func condition(t cmapi.CertificateRequestConditionType, status cmmeta.ConditionStatus) cmapi.CertificateRequestCondition {
	return cmapi.CertificateRequestCondition{Type: t, Status: status, Reason: "Reviewed", Message: "looked at", LastTransitionTime: &someTime}
}

var (
	approved = condition("Approved", "True")
	denied   = condition("Denied", "True")
	pending  = condition("Ready", "False")
)

// ref refers to an issuer; a short way to write it.
func ref(group, kind, name string) cmmeta.IssuerReference {
	return cmmeta.IssuerReference{Group: group, Kind: kind, Name: name}
}

// verdict is the case of a write to the status of a request for an issuer.
func verdict(name, field string, user *User, issuer cmmeta.IssuerReference, before, after conditions) Case {
	old := request(func(cr *cmapi.CertificateRequest) { cr.Spec.IssuerRef, cr.Status.Conditions = issuer, before })
	now := old.DeepCopy()
	now.Status.Conditions = after
	return Case{Name: "Approval: " + name, Field: field, User: user, Old: old, New: now, Status: true}
}

// approval is the case of an approval where nothing was said before.
func approval(name, field string, user *User, issuer cmmeta.IssuerReference) Case {
	return verdict(name, field, user, issuer, conditions{pending}, conditions{pending, approved})
}

func approvals() []Case {
	const field = "status.conditions"
	root, ours, cluster := ref("", "", "root"), ref("cert-manager.io", "Issuer", "other"), ref("", "ClusterIssuer", "root")
	reworded := approved
	reworded.Message = "looked at again"
	lied := approval("of a spec that is not the one stored", field, ByIssuer, ours)
	lied.New.(*cmapi.CertificateRequest).Spec.IssuerRef = root
	// The Go rules are handed what would be stored, and that has the old spec.
	lied.Only, lied.Because = Server, "only the API server is sent a spec that it does not store"
	return []Case{
		approval("by nobody in particular", field, Developer, root),
		approval("by who may for the kind", "", ByKind, root),
		approval("by who may for the kind, group named", "", ByKind, ours),
		approval("by who may for another kind", field, ByKind, cluster),
		approval("by who may for the issuer", "", ByIssuer, root),
		approval("by who may for another issuer", field, ByIssuer, ours),
		approval("by who may for an issuer of the cluster's name", field, ByIssuer, cluster),
		approval("by who may for the ClusterIssuer", "", ByCluster, cluster),
		approval("by who may for another ClusterIssuer", field, ByCluster, ref("", "ClusterIssuer", "other")),
		approval("by the daemon", "", Daemon, root),
		approval("by the daemon, ClusterIssuer", "", Daemon, cluster),
		approval("by the daemon, external issuer", field, Daemon, ref("example.com", "WidgetIssuer", "root")),
		approval("of an unknown kind of our group", field, ByKind, ref("cert-manager.io", "WidgetIssuer", "root")),
		lied,

		approval("external, by who may for the kind", "", ByKind, ref("example.com", "WidgetIssuer", "root")),
		approval("external, by who may for another kind", field, ByKind, ref("example.com", "WidgetClusterIssuer", "root")),
		approval("external, by who may for another group", field, ByKind, ref("example.org", "WidgetIssuer", "root")),
		approval("external, by who may for the issuer", "", ByIssuer, ref("example.com", "Policy", "root")),
		approval("external of the cluster, by who may for it", "", ByCluster, ref("example.com", "WidgetClusterIssuer", "root")),
		approval("external of some scope, by who may for its name", "", ByCluster, ref("example.com", "WidgetIssuer", "root")),
		approval("external, by who may for one elsewhere of that name", field, ByCluster, ref("example.com", "WidgetIssuer", "elsewhere.root")),

		verdict("denial by who may", "", ByKind, root, nil, conditions{denied}),
		verdict("denial by who may not", field, Developer, root, nil, conditions{denied}),
		verdict("no verdict", "", Developer, root, nil, conditions{pending}),
		verdict("no verdict, approved before", "", Developer, root, conditions{approved}, conditions{approved, pending}),
		verdict("Approved is False", "status.conditions[Approved].status", ByKind, root, nil, conditions{condition("Approved", "False")}),
		verdict("Denied is Unknown", "status.conditions[Denied].status", ByKind, root, nil, conditions{condition("Denied", "Unknown")}),
		verdict("both at once", field, ByKind, root, nil, conditions{approved, denied}),
		verdict("denied, then approved", field, ByKind, root, conditions{denied}, conditions{denied, approved}),
		verdict("approval taken back", "status.conditions[Approved]", ByKind, root, conditions{approved}, conditions{pending}),
		verdict("denial taken back", "status.conditions[Denied]", ByKind, root, conditions{denied}, nil),
		verdict("approval reworded", "status.conditions[Approved]", ByKind, root, conditions{approved}, conditions{reworded}),
		verdict("approval made False", "status.conditions[Approved]", ByKind, root, conditions{approved}, conditions{condition("Approved", "False")}),
		verdict("both from before, other conditions", "", Developer, root, conditions{approved, denied}, conditions{pending, approved, denied}),
	}
}
