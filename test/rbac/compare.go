package main

import (
	"slices"
	"strings"

	"github.com/certwright/certwright/test/harness"
)

// verdict is what a comparison came to.
type verdict struct {
	rights  int
	unused  []right
	missing []harness.RightUse
}

// compare holds the rights of one account against what it did with them.
func compare(rights []right, account string, records []harness.RightsRecord) verdict {
	v := verdict{rights: len(rights)}
	var allowed, asked []harness.RightUse
	groups := map[string]bool{}
	for _, r := range rights {
		groups[r.group] = true
	}
	for _, record := range records {
		allowed = append(allowed, of(account, record.Allowed)...)
		asked = append(asked, of(account, record.Asked)...)
		for _, u := range of(account, record.Refused) {
			if !expected(u, groups) && !unread(u, rights) && !slices.Contains(v.missing, u) {
				v.missing = append(v.missing, u)
			}
		}
	}
	for _, r := range rights {
		if !r.used(allowed, asked) {
			v.unused = append(v.unused, r)
		}
	}
	return v
}

func of(account string, all []harness.RightUse) []harness.RightUse {
	return slices.DeleteFunc(slices.Clone(all), func(u harness.RightUse) bool { return u.User != account })
}

// solversOfTests ends the API groups of the webhook solvers that the tests install.
const solversOfTests = ".test"

// expected tells of a refusal that no role of ours can or should mend.
func expected(u harness.RightUse, ours map[string]bool) bool {
	// The test has deleted its namespace.
	if strings.Contains(u.Words, "because it is being terminated") {
		return true
	}
	// A DNS01 webhook solver is called by a create in its own group. Who installs
	// it gives the right, or reads in the Challenge that it is missing.
	if u.Verb == "create" && strings.HasSuffix(u.Group, solversOfTests) {
		return true
	}
	// An external issuer is read to say more of a request that waits for it. Its
	// group is its own; who installs it may grant the right, and need not.
	return u.Verb == "get" && !ours[u.Group]
}

// unread tells of a refusal by RBAC of what a role allows: for a moment after its
// start an API server has not read the roles yet. What admission refuses has other
// words, and is for want of another right.
func unread(u harness.RightUse, rights []right) bool {
	byRBAC := strings.Contains(u.Words, " cannot "+u.Verb+" resource ")
	return byRBAC && slices.ContainsFunc(rights, func(r right) bool { return r.covers(u) })
}

// used: a request shows most rights. Who asks for the others is the API server's
// admission, but the daemon asks for the rights to sign as well when it starts, by
// the name with the asterisk; admission asks by the signer's own name first.
func (r right) used(allowed, asked []harness.RightUse) bool {
	if !r.indirect() {
		return slices.ContainsFunc(allowed, r.covers)
	}
	if r.verb != "sign" {
		return slices.ContainsFunc(asked, r.covers)
	}
	kind := strings.TrimSuffix(r.name, "*")
	return slices.ContainsFunc(asked, func(u harness.RightUse) bool {
		signer, is := strings.CutPrefix(u.Name, kind)
		return is && signer != "*" && r.verb == u.Verb && r.group == u.Group && r.resource == u.Resource
	})
}
