// Package admission holds the two forms of the rules against each other that
// say what may get into the API: CEL in deploy/policies, Go in internal/rules.
//
// Both get one table of cases (Cases). A case is one write by one user, and says
// whether it is refused and which field the refusal names. OnRules answers for
// the Go rules, without any server; the command prove answers for the policies,
// on a real API server, and ends with
//
//	cases N refused-as-expected R accepted-as-expected A disagreements 0
//
// Where only one of the two can know a fault, the case says which and why, and
// the other must accept.
package admission
