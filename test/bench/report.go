package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/certwright/certwright/test/harness"
)

// Report is the output with -o json. Its field names are stable, so that the
// results of two versions can be compared by a program.
type Report struct {
	Machine Machine `json:"machine"`
	Runs    []Run   `json:"runs"`
	// Scale is there with -scale: the rate with the most Certificates in the
	// namespace over the rate with the fewest, for each kind of key.
	Scale map[string]float64 `json:"scale,omitempty"`
}

// Machine is where the numbers come from; only ratios carry over to another.
type Machine struct {
	Cores int    `json:"cores"`
	CPU   string `json:"cpu"`
	Go    string `json:"go"`
}

// Run is one measurement on a fresh control plane.
type Run struct {
	Certificates int      `json:"certificates"`
	Namespaces   int      `json:"namespaces"`
	Key          string   `json:"key"`
	ACME         string   `json:"acme,omitempty"` // how names are proved; empty for a CA issuer
	Issue        Phase    `json:"issue"`
	Renew        *Phase   `json:"renew,omitempty"`
	Rest         Rest     `json:"rest"`
	Restart      *Restart `json:"restart,omitempty"`
	// Places are those in which names were proved, in a run with ACME.
	Places *Places `json:"places,omitempty"`
}

// Phase is N Certificates issued or renewed at once. What has no other unit is
// per Certificate.
type Phase struct {
	Seconds   float64            `json:"seconds"`
	PerSecond float64            `json:"perSecond"`
	Latency   Latency            `json:"latencySeconds"`
	Requests  float64            `json:"requests"`
	Writes    float64            `json:"writes"` // without Events
	Events    float64            `json:"events"`
	Calls     map[string]float64 `json:"calls"`
	Conflicts int                `json:"conflictsInAll"`
	CPU       CPU                `json:"cpuMilliseconds"`
	RSS       Memory             `json:"rssBytes"`
}

// Latency is from the call that asks to the Ready that a watch sees.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// CPU is processor time, of all cores together.
type CPU struct {
	Daemon       float64 `json:"daemon"`
	ControlPlane float64 `json:"controlPlane"`
	Bench        float64 `json:"bench"`
}

// Memory is resident memory of the daemon.
type Memory struct {
	Before int64 `json:"before,omitempty"`
	Peak   int64 `json:"peak"`
	Rest   int64 `json:"rest"`
}

// Rest is the daemon with nothing to do.
type Rest struct {
	Seconds         float64            `json:"seconds"`
	CPUMilliseconds float64            `json:"cpuMilliseconds"`
	Requests        int                `json:"requests"`
	Writes          int                `json:"writes"`
	Calls           map[string]float64 `json:"calls"`
	RSS             int64              `json:"rssBytes"`
}

// Restart is a daemon that starts beside N issued Certificates.
type Restart struct {
	ReadySeconds    float64            `json:"readySeconds"`
	RestSeconds     float64            `json:"restSeconds"`
	NewReadySeconds float64            `json:"newCertificateReadySeconds"`
	CPUMilliseconds float64            `json:"cpuMilliseconds"`
	Requests        int                `json:"requests"`
	Writes          int                `json:"writes"`
	Calls           map[string]float64 `json:"calls"`
	RSS             Memory             `json:"rssBytes"`
}

func newReport() *Report {
	return &Report{Machine: Machine{Cores: runtime.NumCPU(), CPU: processor(), Go: runtime.Version()}}
}

func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(info)) {
		if rest, is := strings.CutPrefix(line, "model name"); is {
			return strings.Trim(rest, "\t :\n")
		}
	}
	return ""
}

func (r *Report) print(out io.Writer, o options) error {
	if o.scale {
		r.Scale = scaleOf(r.Runs)
	}
	if o.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	return r.table(out)
}

// scaleOf compares the biggest run with the smallest, per kind of key.
func scaleOf(runs []Run) map[string]float64 {
	scale := map[string]float64{}
	for _, small := range runs {
		for _, big := range runs {
			if small.Key == big.Key && small.ACME == big.ACME && small.Certificates < big.Certificates {
				scale[small.Key] = round(big.Issue.PerSecond / small.Issue.PerSecond)
			}
		}
	}
	return scale
}

func (r *Report) table(out io.Writer) error {
	fmt.Fprintf(out, "\n%d cores, %s, %s\n", r.Machine.Cores, r.Machine.CPU, r.Machine.Go)
	for _, run := range r.Runs {
		fmt.Fprintf(out, "\n%d Certificates of %s, %s keys, %d namespace(s)\n\n", run.Certificates, run.issuer(), run.Key, run.Namespaces)
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, row := range run.rows() {
			fmt.Fprintf(table, "  %s\n", strings.Join(row, "\t"))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	for key, ratio := range r.Scale {
		fmt.Fprintf(out, "\n%s: with %d in the namespace it does %.0f%% of the rate with %d\n",
			key, scaleSizes[1], 100*ratio, scaleSizes[0])
	}
	return nil
}

func perCall(t harness.Tally, n int) map[string]float64 {
	out := map[string]float64{}
	for _, call := range t.Sorted() {
		out[call.Verb+" "+call.Name()] = perCertificate(n, t.Calls[call])
	}
	return out
}

func perCertificate(n, count int) float64 { return math.Round(1000*float64(count)/float64(n)) / 1000 }

func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func round(x float64) float64 { return math.Round(x*100) / 100 }
