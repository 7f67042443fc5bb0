package harness

import (
	"maps"
	"testing"
)

const page = `# HELP apiserver_request_total Counter of requests
# TYPE apiserver_request_total counter
apiserver_request_total{code="201",component="apiserver",dry_run="",group="cert-manager.io",resource="certificates",scope="resource",subresource="",verb="POST",version="v1"} 7
apiserver_request_total{code="409",component="apiserver",dry_run="",group="cert-manager.io",resource="certificates",scope="resource",subresource="status",verb="PUT",version="v1"} 2
apiserver_request_total{code="200",component="apiserver",dry_run="",group="cert-manager.io",resource="certificates",scope="resource",subresource="status",verb="PUT",version="v1"} 5
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="secrets",scope="resource",subresource="",verb="GET",version="v1"} 3
apiserver_request_total{code="201",component="apiserver",dry_run="",group="",resource="events",scope="namespace",subresource="",verb="POST",version="v1"} 4
apiserver_request_total{code="409",component="apiserver",dry_run="",group="coordination.k8s.io",resource="leases",scope="resource",subresource="",verb="PUT",version="v1"} 1
apiserver_longrunning_requests{component="apiserver",group="cert-manager.io",resource="certificates",scope="cluster",subresource="",verb="WATCH",version="v1"} 2
`

var (
	create = Call{Verb: "POST", Group: "cert-manager.io", Resource: "certificates"}
	status = Call{Verb: "PUT", Group: "cert-manager.io", Resource: "certificates", Subresource: "status"}
	read   = Call{Verb: "GET", Resource: "secrets"}
	told   = Call{Verb: "POST", Resource: "events"}
	lease  = Call{Verb: "PUT", Group: "coordination.k8s.io", Resource: "leases"}
)

func TestTallyAddsUpTheCodesAndCountsOurConflicts(t *testing.T) {
	got, err := tallyOf([]byte(page))
	if err != nil {
		t.Fatal(err)
	}
	if want := map[Call]int{create: 7, status: 7, read: 3, told: 4, lease: 1}; !maps.Equal(got.Calls, want) {
		t.Errorf("calls are %v, want %v", got.Calls, want)
	}
	if got.Conflicts != 2 {
		t.Errorf("%d conflicts, want the 2 that are not of leases", got.Conflicts)
	}
}

func TestTallySubtractsWhatWasBeforeAndWhatIsOurOwn(t *testing.T) {
	before := Tally{Calls: map[Call]int{create: 5, read: 3}}
	after := Tally{Calls: map[Call]int{create: 7, read: 3, status: 4, told: 6, lease: 9}}
	got := after.Minus(before).Without(create, 2)
	if want := map[Call]int{status: 4, told: 6, lease: 9}; !maps.Equal(got.Calls, want) {
		t.Errorf("calls are %v, want %v", got.Calls, want)
	}
	if n := got.Sum(Call.Ours, Call.Writes); n != 10 {
		t.Errorf("%d writes, want 10: status and Events, no leases", n)
	}
	sorted := got.Sorted()
	if len(sorted) != 2 || sorted[0] != status || sorted[1] != told {
		t.Errorf("sorted as %v, want writes before Events, and no leases", sorted)
	}
}

func TestParseOnlyReadsOneFamily(t *testing.T) {
	metrics, err := parseOnly([]byte(page), runningRequests)
	if err != nil {
		t.Fatal(err)
	}
	if n := metrics.Sum(runningRequests, map[string]string{"resource": "certificates"}); len(metrics) != 1 || n != 2 {
		t.Errorf("%d families, %v watches, want 1 and 2", len(metrics), n)
	}
}
