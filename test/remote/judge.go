package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// judge counts what was done, and tells what was done twice. A status or a
// Secret may be written again with the same content where the answer to the
// first write was lost, and a Certificate that waits for long says so; a second
// request would be a second certificate.
func (s *scene) judge(ctx context.Context) error {
	entries, err := s.stage.Audit(s.stage.Account.Username())
	if err != nil {
		return err
	}
	done, twice := tally(entries)
	requests, err := s.stage.Clients.CertManager.CertmanagerV1().CertificateRequests(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, call := range slices.Sorted(maps.Keys(done)) {
		s.progress.Line("   %-46s %d", call, done[call])
	}
	s.progress.Line("   %-46s %d of %d", "repeated after an answer that was lost", len(twice), sum(done))
	duplicate := done["create certificaterequests"] - s.certificates
	s.progress.Line("certificates %d issued %d duplicate %d interruptions %d catch-up-seconds %d",
		s.certificates, len(requests.Items), duplicate, s.interruptions, int(s.catchUp.Seconds()+0.5))
	if duplicate != 0 || len(requests.Items) != s.certificates {
		return fmt.Errorf("%d Certificates have %d requests, and %d were made: %s", s.certificates, len(requests.Items), done["create certificaterequests"], strings.Join(twice, ", "))
	}
	return nil
}

// tally counts the writes that were accepted, by kind, and names those that
// were made to one object more than once.
func tally(entries []harness.AuditEntry) (done map[string]int, twice []string) {
	done, seen := map[string]int{}, map[string]int{}
	for _, e := range entries {
		if !e.Writes() || e.IsEvent() || e.Namespace != namespace || e.Code >= 300 || e.Resource == "issuers" {
			continue
		}
		call := e.Verb + " " + strings.TrimSuffix(e.Resource+"/"+e.Subresource, "/")
		done[call]++
		seen[call+" "+e.Name]++
	}
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		for range seen[what] - 1 {
			twice = append(twice, what)
		}
	}
	return done, twice
}

func sum(done map[string]int) (n int) {
	for _, one := range done {
		n += one
	}
	return n
}
