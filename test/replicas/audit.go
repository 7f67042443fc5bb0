package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// entry is a write that the API server has carried out for a replica.
type entry struct {
	credential            string
	verb                  string
	resource, subresource string
	namespace, name       string
	received, done        time.Time
	// doubtful is true when the client was not told what became of it: it was
	// killed meanwhile, and the write may be stored.
	doubtful bool
}

func (e entry) String() string {
	return fmt.Sprintf("%s %s %s/%s at %s", e.verb, e.resource, e.namespace, e.name, e.received.Format(time.StampMicro))
}

// line is what is read of audit.k8s.io/v1 Event.
type line struct {
	Stage, Verb, RequestURI string
	User                    struct{ Extra map[string][]string }
	ObjectRef               struct{ Resource, Subresource, Namespace, Name string }

	ResponseStatus           struct{ Code int }
	RequestReceivedTimestamp time.Time
	StageTimestamp           time.Time
}

// credentialKey is where the name of a token is among what is known of a user.
const credentialKey = "authentication.kubernetes.io/credential-id"

// writes are the writes of these replicas, in the order in which they were done.
func writes(path string, of []*replica) ([]entry, error) {
	known := map[string]bool{}
	for _, r := range of {
		known[r.credential] = true
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []entry
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), []byte(credentialKey)) {
			continue // most are of others
		}
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			continue // the last line may be half written
		}
		credentials := l.User.Extra[credentialKey]
		code := l.ResponseStatus.Code
		doubtful := code == 0 || code >= 499
		if strings.Contains(l.RequestURI, "dryRun=") {
			continue
		}
		if len(credentials) != 1 || !known[credentials[0]] || l.Stage == "RequestReceived" || code >= 300 && !doubtful ||
			slices.Contains([]string{"get", "list", "watch"}, l.Verb) {
			continue
		}
		all = append(all, entry{credentials[0], l.Verb, l.ObjectRef.Resource, l.ObjectRef.Subresource,
			l.ObjectRef.Namespace, l.ObjectRef.Name, l.RequestReceivedTimestamp, l.StageTimestamp, doubtful})
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.done.Compare(b.done) })
	if len(all) == 0 {
		return nil, errors.New("the audit log knows of no write of a replica, which proves nothing")
	}
	return all, lines.Err()
}
