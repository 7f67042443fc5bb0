package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// rows is the table of one run: a label, then one column for each phase.
func (r Run) rows() [][]string {
	phases, head := []Phase{r.Issue}, []string{"", "first issuance"}
	if r.Renew != nil {
		phases, head = append(phases, *r.Renew), append(head, "renewal, all at once")
	}
	rows := [][]string{head}
	add := func(label string, cell func(Phase) string) {
		row := []string{label}
		for _, phase := range phases {
			row = append(row, cell(phase))
		}
		rows = append(rows, row)
	}
	add("certificates a second", func(p Phase) string { return fmt.Sprintf("%.1f", p.PerSecond) })
	add("latency p50 / p99 / max", func(p Phase) string {
		return fmt.Sprintf("%.2f / %.2f / %.2f s", p.Latency.P50, p.Latency.P99, p.Latency.Max)
	})
	add("API requests each", func(p Phase) string { return number(p.Requests) })
	add("  writes, Events apart", func(p Phase) string { return number(p.Writes) })
	add("  Events", func(p Phase) string { return number(p.Events) })
	for _, call := range callsOf(phases) {
		add("  "+call, func(p Phase) string { return number(p.Calls[call]) })
	}
	add("conflicts in all", func(p Phase) string { return fmt.Sprint(p.Conflicts) })
	add("CPU each: daemon", func(p Phase) string { return fmt.Sprintf("%.1f ms", p.CPU.Daemon) })
	add("CPU each: control plane", func(p Phase) string { return fmt.Sprintf("%.1f ms", p.CPU.ControlPlane) })
	add("CPU each: this benchmark", func(p Phase) string { return fmt.Sprintf("%.1f ms", p.CPU.Bench) })
	add("RSS before / peak / at rest", func(p Phase) string {
		return fmt.Sprintf("%s / %s / %s MB", megabytes(p.RSS.Before), megabytes(p.RSS.Peak), megabytes(p.RSS.Rest))
	})
	if r.Places != nil {
		rows = append(rows, r.Places.rows()...)
	}
	rows = append(rows, []string{}, r.Rest.row())
	if r.Restart != nil {
		rows = append(rows, r.Restart.rows()...)
	}
	return rows
}

func (r Rest) row() []string {
	return []string{"at rest", fmt.Sprintf("%.0f ms CPU and %d requests in %.0f s (%s); %s MB",
		r.CPUMilliseconds, r.Requests, r.Seconds, list(r.Calls), megabytes(r.RSS))}
}

func (r Restart) rows() [][]string {
	return [][]string{
		{"restart", fmt.Sprintf("ready after %.2f s, at rest after %.2f s and %.0f ms CPU; peak %s MB, then %s MB",
			r.ReadySeconds, r.RestSeconds, r.CPUMilliseconds, megabytes(r.RSS.Peak), megabytes(r.RSS.Rest))},
		{"", fmt.Sprintf("%d requests, of them %d writes: %s", r.Requests, r.Writes, list(r.Calls))},
		{"", fmt.Sprintf("a new Certificate is Ready %.2f s after the start", r.NewReadySeconds)},
	}
}

// callsOf are the calls of all phases, each once, in the order of Tally.Sorted
// as far as their names keep it: by resource.
func callsOf(phases []Phase) []string {
	all := map[string]bool{}
	for _, phase := range phases {
		for call := range phase.Calls {
			all[call] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		verbA, nameA, _ := strings.Cut(a, " ")
		verbB, nameB, _ := strings.Cut(b, " ")
		return strings.Compare(nameA+" "+verbA, nameB+" "+verbB)
	})
}

func list(calls map[string]float64) string {
	var out []string
	for _, call := range slices.Sorted(maps.Keys(calls)) {
		out = append(out, fmt.Sprintf("%s %.0f", call, calls[call]))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// number is short for what is nearly whole: 4, 4.02, 0.003.
func number(x float64) string {
	text := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", x), "0"), ".")
	if text == "" {
		return "0"
	}
	return text
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.0f", float64(bytes)/1e6) }
