package rules

// Policies are the policies of deploy/policies; each has a binding of its name.
// Where one is missing, what it would refuse gets in, and the handlers say so
// in the object's condition.
var Policies = []string{
	"certwright-certificates",
	"certwright-names",
	"certwright-issuers",
	"certwright-acme-issuers",
	"certwright-vault-issuers",
	"certwright-requests",
	"certwright-approval",
	"certwright-made-once",
}

// RequesterPolicy is the one MutatingAdmissionPolicy, which writes into a
// request who makes it. Without it nobody does.
const RequesterPolicy = "certwright-requester"
