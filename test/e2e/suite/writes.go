package suite

import (
	"strings"

	"github.com/certwright/certwright/test/harness"
)

// Asked is what an account asked of the API server in the space so far, as the
// API server's audit log has it.
func (s *Space) Asked(account harness.Account) []harness.AuditEntry {
	s.Helper()
	all, err := s.World.Audit(account.Username())
	var here []harness.AuditEntry
	for _, entry := range must(s, all, err) {
		if entry.Namespace == s.Namespace {
			here = append(here, entry)
		}
	}
	return here
}

// Writes holds requests against the writes that are allowed, in their order;
// Events apart, of which there may be some. None may have been refused.
func (s *Space) Writes(entries []harness.AuditEntry, events int, want ...string) {
	s.Helper()
	var writes, told []string
	for _, entry := range entries {
		switch {
		case entry.IsEvent():
			told = append(told, entry.String())
		case entry.Writes():
			writes = append(writes, entry.Verb+" "+entry.Call().Name())
		}
		if entry.Code >= 400 {
			s.Errorf("the API server refused: %s", entry)
		}
	}
	if strings.Join(writes, "\n") != strings.Join(want, "\n") {
		s.Errorf("the daemon wrote\n%s\nwant\n%s", strings.Join(writes, "\n"), strings.Join(want, "\n"))
	}
	if len(told) > events {
		s.Errorf("the daemon told %d Events, want at most %d:\n%s", len(told), events, strings.Join(told, "\n"))
	}
}
