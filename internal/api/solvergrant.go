package api

import "strings"

// LegoGroup is the groupName of webhook solvers that certwright serves itself, by
// lego's providers; nobody grants it a right to them.
const LegoGroup = "lego.certwright.dev"

// SolverVersion is the version in which API servers serve webhook solvers
// (contract 1.4).
const SolverVersion = "v1alpha1"

// GrantSolver is the two commands that let an account call the DNS01 webhook
// solver of a group: a ClusterRole, and its binding. The account is a name as the
// API server has it (system:serviceaccount:NAMESPACE:NAME, or a user's); empty
// leaves a place for it.
func GrantSolver(account, group, solver string) (role, binding string) {
	resource := solver + "." + group
	name := ShellWord("certwright-" + resource)
	role = "kubectl create clusterrole " + name + " --verb=create --resource=" + ShellWord(resource)
	binding = "kubectl create clusterrolebinding " + name + " --clusterrole=" + name + " " + subject(account)
	return role, binding
}

// subject is how kubectl is told of an account.
func subject(account string) string {
	if account == "" {
		return "--user=<the daemon's user>"
	}
	if name, is := strings.CutPrefix(account, "system:serviceaccount:"); is {
		return "--serviceaccount=" + ShellWord(name)
	}
	return "--user=" + ShellWord(account)
}

// ShellWord makes one word for a shell of a text: who pastes the commands is an
// administrator, and the names in them are those of whoever may write an Issuer.
func ShellWord(text string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@"
	if text != "" && strings.Trim(text, plain) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
