package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/test/acme/places"
)

func TestPercentilesAreByTheNearestRank(t *testing.T) {
	var sorted []time.Duration
	for i := range 200 {
		sorted = append(sorted, time.Duration(i+1))
	}
	for p, want := range map[int]time.Duration{50: 100, 99: 198, 100: 200} {
		if got := percentile(sorted, p); got != want {
			t.Errorf("p%d is %d, want %d", p, got, want)
		}
	}
	if got := percentile(sorted[:1], 50); got != 1 {
		t.Errorf("p50 of one is %d", got)
	}
}

func TestOptionsMakeRuns(t *testing.T) {
	for args, want := range map[string]string{
		"": "1000 Certificates, ecdsa, 1 namespace(s); 300 Certificates, ecdsa, 1 namespace(s), ACME by HTTP-01;" +
			" 300 Certificates, ecdsa, 1 namespace(s), ACME by DNS-01",
		"-n 10 -key both -acme 0":    "10 Certificates, ecdsa, 1 namespace(s); 10 Certificates, rsa, 1 namespace(s)",
		"-n 100 -scale":              "500 Certificates, ecdsa, 1 namespace(s); 5000 Certificates, ecdsa, 1 namespace(s)",
		"-n 6 -namespaces 3 -acme 0": "6 Certificates, ecdsa, 3 namespace(s)",
	} {
		o, err := parse(strings.Fields(args))
		if err != nil {
			t.Fatal(err)
		}
		var titles []string
		for _, run := range o.runs() {
			titles = append(titles, run.title())
		}
		if got := strings.Join(titles, "; "); got != want {
			t.Errorf("%q makes %s, want %s", args, got, want)
		}
	}
	for _, args := range []string{"-n 0", "-key dsa", "-o yaml", "-n 2 -namespaces 3", "-namespaces 3 -acme 2", "more"} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}

func TestObserverCountsTheRevisionOfItsPhase(t *testing.T) {
	o := &observer{marks: map[string]*mark{}, changed: make(chan struct{}, 1)}
	o.phase(2)
	o.begin("ns", "web")
	for _, status := range []string{
		`{"revision":1,"conditions":[{"type":"Ready","status":"True"}]}`,
		`{"revision":2,"conditions":[{"type":"Ready","status":"True"},{"type":"Issuing","status":"True"}]}`,
		`{"revision":2,"conditions":[{"type":"Ready","status":"False"}]}`,
	} {
		o.see(event(status), time.Now())
		if o.done() != 0 {
			t.Errorf("%s was counted", status)
		}
	}
	done := `{"revision":2,"conditions":[{"type":"Ready","status":"True"}]}`
	o.see(event(done), time.Now())
	o.see(event(done), time.Now())
	if o.done() != 1 {
		t.Errorf("%d are done, want 1", o.done())
	}
}

func event(status string) watched {
	var w watched
	w.Object.Metadata.Namespace, w.Object.Metadata.Name = "ns", "web"
	w.Object.Status = json.RawMessage(status)
	return w
}

func TestScaleComparesTheBiggestWithTheSmallest(t *testing.T) {
	runs := []Run{
		{Key: "ecdsa", Certificates: 500, Issue: Phase{PerSecond: 50}},
		{Key: "ecdsa", Certificates: 5000, Issue: Phase{PerSecond: 45}},
	}
	if got := scaleOf(runs)["ecdsa"]; got != 0.9 {
		t.Errorf("the ratio is %v", got)
	}
}

func TestNumbersAreShort(t *testing.T) {
	for x, want := range map[float64]string{4: "4", 0: "0", 4.02: "4.02", 0.003: "0.003", 10: "10"} {
		if got := number(x); got != want {
			t.Errorf("%v is shown as %s, want %s", x, got, want)
		}
	}
}

func TestPlacesOverTime(t *testing.T) {
	s := func(at float64, n int) places.Sample {
		return places.Sample{After: time.Duration(at * float64(time.Second)), InUse: n}
	}
	got := summarize([]places.Sample{s(0.5, 2), s(1.5, 4), s(2, 0)}, 4, 2*time.Second)
	if want := (Places{Max: 4, Mean: 2, PerSecond: []int{2, 0}}); got.Max != want.Max || got.Mean != want.Mean || !slices.Equal(got.PerSecond, want.PerSecond) {
		t.Errorf("got %+v, want %+v", *got, want)
	}
}
