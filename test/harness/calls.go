package harness

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Call is a kind of request, as the API server's own counter tells them apart.
type Call struct {
	// Verb is LIST, WATCH, GET, POST, PUT, PATCH, APPLY, DELETE or DELETECOLLECTION.
	Verb string
	// Group and Resource name what was asked for; Group is empty for the core.
	Group, Resource string
	// Subresource is "status", "token", ... or empty.
	Subresource string
}

// Name is resource.group/subresource, without what is empty.
func (c Call) Name() string {
	name := c.Resource
	if c.Group != "" {
		name += "." + c.Group
	}
	if c.Subresource != "" {
		name += "/" + c.Subresource
	}
	return name
}

// Writes tells whether the call changes something.
func (c Call) Writes() bool {
	switch c.Verb {
	case "GET", "LIST", "WATCH", "CONNECT":
		return false
	}
	return true
}

// IsEvent tells whether the call is about an Event, of either API group.
func (c Call) IsEvent() bool { return c.Resource == "events" }

// Ours tells whether certwright could have made the call for a Certificate. The
// control plane makes others all the time: its leases, its token reviews.
func (c Call) Ours() bool {
	return c.Group == "cert-manager.io" || c.Group == "acme.cert-manager.io" ||
		c.Group == "" && (c.Resource == "secrets" || c.Resource == "services") ||
		c.Group == "networking.k8s.io" && c.Resource == "ingresses" || c.IsEvent()
}

// Tally counts calls and, apart, those that ended in a conflict.
type Tally struct {
	Calls     map[Call]int
	Conflicts int
}

// Calls reads the API server's counter of requests. It counts a request shortly
// after the client has its answer, and a watch when it ends.
func (c *Clients) Calls(ctx context.Context) (Tally, error) {
	text, err := c.scrape(ctx)
	if err != nil {
		return Tally{}, err
	}
	return tallyOf(text)
}

func (c *Clients) scrape(ctx context.Context) ([]byte, error) {
	text, err := c.Kube.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("scrape the API server: %w", err)
	}
	return text, nil
}

// The metric families of the API server that we read.
const (
	requestCounter  = "apiserver_request_total"
	runningRequests = "apiserver_longrunning_requests"
)

func tallyOf(text []byte) (Tally, error) {
	metrics, err := parseOnly(text, requestCounter)
	if err != nil {
		return Tally{}, err
	}
	tally := Tally{Calls: map[Call]int{}}
	for _, metric := range metrics[requestCounter].GetMetric() {
		labels := map[string]string{}
		for _, label := range metric.GetLabel() {
			labels[label.GetName()] = label.GetValue()
		}
		if labels["dry_run"] != "" {
			continue // a question in the form of a write; it changes nothing
		}
		// Without a type line the parser cannot know that it is a counter.
		count := int(metric.GetUntyped().GetValue())
		call := Call{labels["verb"], labels["group"], labels["resource"], labels["subresource"]}
		tally.Calls[call] += count
		if labels["code"] == "409" && call.Ours() {
			tally.Conflicts += count
		}
	}
	return tally, nil
}

// parseOnly parses one family out of some hundreds; dropping the others unread
// saves most of the work.
func parseOnly(text []byte, family string) (Metrics, error) {
	var wanted strings.Builder
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := lines.Text(); strings.HasPrefix(line, family+"{") {
			wanted.WriteString(line + "\n")
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return parseMetrics(wanted.String())
}

// UntilCollected waits until the garbage collector of kube-controller-manager
// watches a resource. It takes up to half a minute to notice a new definition,
// and then reads every object with an owner once, which would be taken for our
// doing in the middle of a measurement.
func (c *Clients) UntilCollected(ctx context.Context, group, resource string) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		text, err := c.scrape(ctx)
		if err != nil {
			return err
		}
		metrics, err := parseOnly(text, runningRequests)
		if err != nil {
			return err
		}
		watch := map[string]string{"verb": "WATCH", "group": group, "resource": resource}
		if metrics.Sum(runningRequests, watch) > 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("nobody collects the garbage of %s: %w", resource, context.Cause(ctx))
		}
	}
}

// Minus returns what was called since an earlier tally.
func (t Tally) Minus(earlier Tally) Tally {
	out := Tally{Calls: map[Call]int{}, Conflicts: t.Conflicts - earlier.Conflicts}
	for call, n := range t.Calls {
		if d := n - earlier.Calls[call]; d != 0 {
			out.Calls[call] = d
		}
	}
	return out
}

// Without takes out n calls that we know to be ours, not the daemon's.
func (t Tally) Without(call Call, n int) Tally {
	t.Calls = maps.Clone(t.Calls)
	t.Calls[call] -= n
	if t.Calls[call] == 0 {
		delete(t.Calls, call)
	}
	return t
}

// Sum adds up the calls of which every one of the conditions holds.
func (t Tally) Sum(conditions ...func(Call) bool) int {
	sum := 0
	for call, n := range t.Calls {
		if !slices.ContainsFunc(conditions, func(holds func(Call) bool) bool { return !holds(call) }) {
			sum += n
		}
	}
	return sum
}

// Sorted returns the calls that Ours holds of: writes first, then by name.
func (t Tally) Sorted() []Call {
	calls := slices.DeleteFunc(slices.Collect(maps.Keys(t.Calls)), func(c Call) bool { return !c.Ours() })
	slices.SortFunc(calls, func(a, b Call) int {
		return strings.Compare(sortKey(a), sortKey(b))
	})
	return calls
}

func sortKey(c Call) string {
	class := "2"
	switch {
	case c.Writes() && !c.IsEvent():
		class = "0"
	case c.Writes():
		class = "1"
	}
	return class + c.Name() + " " + c.Verb
}
