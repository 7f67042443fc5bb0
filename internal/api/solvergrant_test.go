package api

import "testing"

func TestGrantSolver(t *testing.T) {
	t.Parallel()
	const plainRole = "kubectl create clusterrole certwright-mine.acme.example.com --verb=create --resource=mine.acme.example.com"
	const plainBinding = "kubectl create clusterrolebinding certwright-mine.acme.example.com --clusterrole=certwright-mine.acme.example.com "
	for _, row := range []struct{ account, group, solver, role, binding string }{
		{"system:serviceaccount:cert-manager:certwright", "acme.example.com", "mine", plainRole, plainBinding + "--serviceaccount=cert-manager:certwright"},
		{"certwright@outside", "acme.example.com", "mine", plainRole, plainBinding + "--user=certwright@outside"},
		{"CN=the daemon", "acme.example.com", "mine", plainRole, plainBinding + "--user='CN=the daemon'"},
		{"", "acme.example.com", "mine", plainRole, plainBinding + "--user=<the daemon's user>"},
		// Whoever writes an Issuer writes no commands of an administrator's.
		{"u", "e.org", "x;$(id)'`", `kubectl create clusterrole 'certwright-x;$(id)'\''` + "`.e.org' --verb=create --resource='x;$(id)" + `'\''` + "`.e.org'",
			`kubectl create clusterrolebinding 'certwright-x;$(id)'\''` + "`.e.org' --clusterrole='certwright-x;$(id)" + `'\''` + "`.e.org' --user=u"},
		{"u", "e.org", "ä\n", "kubectl create clusterrole 'certwright-ä\n.e.org' --verb=create --resource='ä\n.e.org'",
			"kubectl create clusterrolebinding 'certwright-ä\n.e.org' --clusterrole='certwright-ä\n.e.org' --user=u"},
	} {
		role, binding := GrantSolver(row.account, row.group, row.solver)
		if role != row.role || binding != row.binding {
			t.Errorf("%+v: got\n%s\n%s\nwant\n%s\n%s", row, role, binding, row.role, row.binding)
		}
	}
}
