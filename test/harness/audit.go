package harness

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// AuditEntry is one answered request of the API server's audit log.
type AuditEntry struct {
	Verb, User, UserAgent        string
	Group, Resource, Subresource string
	Namespace, Name              string
	Code                         int
	DryRun                       bool
}

// String is one line for a failure message.
func (e AuditEntry) String() string {
	resource := e.Call().Name()
	return fmt.Sprintf("%-7s %s %s/%s -> %d", e.Verb, resource, e.Namespace, e.Name, e.Code)
}

// Writes tells whether the request asked for a change.
func (e AuditEntry) Writes() bool {
	return !e.DryRun && !slices.Contains([]string{"get", "list", "watch"}, e.Verb)
}

// IsEvent tells whether it was about an Event, of either API group.
func (e AuditEntry) IsEvent() bool { return e.Resource == "events" }

// auditLine is what we read of audit.k8s.io/v1 Event.
type auditLine struct {
	Stage      string
	Verb       string
	UserAgent  string
	RequestURI string
	User       struct{ Username string }
	ObjectRef  struct {
		APIGroup, Resource, Subresource, Namespace, Name string
	}
	ResponseStatus struct {
		Code    int
		Message string
	}
}

// Audit returns the requests of one user, in the order in which they were
// answered. A request is there as soon as its client has the answer.
func (s *Stage) Audit(user string) ([]AuditEntry, error) {
	var entries []AuditEntry
	err := eachAudited(s.Cluster.AuditLog(), user, func(line auditLine) {
		if line.Stage == "ResponseComplete" && line.User.Username == user {
			entries = append(entries, entryOf(line))
		}
	})
	return entries, err
}

// eachAudited hands over each line that has the word in it: one for an answered
// request, and another before it for a watch that has begun.
func eachAudited(log, word string, take func(auditLine)) error {
	file, err := os.Open(log)
	if err != nil {
		return fmt.Errorf("open the stage with AuditLog to read it: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		// Most lines are of others; a look at the bytes is cheaper than parsing.
		if !strings.Contains(lines.Text(), word) {
			continue
		}
		var line auditLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			continue // the last line may be half written
		}
		take(line)
	}
	return lines.Err()
}

func entryOf(line auditLine) AuditEntry {
	ref := line.ObjectRef
	return AuditEntry{
		Verb: line.Verb, User: line.User.Username, UserAgent: line.UserAgent,
		Group: ref.APIGroup, Resource: ref.Resource, Subresource: ref.Subresource,
		Namespace: ref.Namespace, Name: ref.Name, Code: line.ResponseStatus.Code,
		DryRun: strings.Contains(line.RequestURI, "dryRun=All"),
	}
}

// Call is the kind of request, with the audit log's own verb.
func (e AuditEntry) Call() Call {
	return Call{Verb: e.Verb, Group: e.Group, Resource: e.Resource, Subresource: e.Subresource}
}
