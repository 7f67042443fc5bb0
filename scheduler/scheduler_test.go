package scheduler_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/certwright/certwright/queue"
	"github.com/certwright/certwright/queue/queuetest"
	"github.com/certwright/certwright/scheduler"
)

var (
	web = queue.Key{Kind: queue.Certificate, Namespace: "team-a", Name: "web"}
	api = queue.Key{Kind: queue.Certificate, Namespace: "team-a", Name: "api"}
)

func keys(k ...queue.Key) iter.Seq[queue.Key] { return slices.Values(k) }

// A bubble begins at midnight, 1 January 2000, UTC.
func TestEntriesRunAtOnceAndThenOnSchedule(t *testing.T) {
	const h = time.Hour
	rows := []struct {
		schedule string
		want     []time.Duration // within two days and a minute
	}{
		{"0 3 * * *", []time.Duration{0, 3 * h, 27 * h}},
		{"@daily", []time.Duration{0, 24 * h, 48 * h}},
		{"@every 20h", []time.Duration{0, 20 * h, 40 * h}},
		{"0 3 * * 0", []time.Duration{0, 27 * h}}, // the 2nd is a Sunday
		{"CRON_TZ=Asia/Tokyo 0 3 * * *", []time.Duration{0, 18 * h, 42 * h}},
		{"0 3 1 6 *", []time.Duration{0}},
	}
	for _, row := range rows {
		t.Run(row.schedule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c clocked
				_, stop := start(t, newScheduler(t, scheduler.Options{}, scheduler.Entry{
					Name: "sweep", Schedule: row.schedule, Keys: c.keys(nil),
				}))
				time.Sleep(48*h + time.Minute)
				stop()
				if diff := cmp.Diff(row.want, c.at); diff != "" {
					t.Errorf("runs (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestKeysAreSpreadAlikeInEveryRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r queuetest.Recorder
		_, stop := start(t, newScheduler(t, scheduler.Options{Queue: &r}, scheduler.Entry{
			Name: "sweep", Schedule: "@every 1h", Spread: 10 * time.Minute, Keys: keys(web, api),
		}))
		time.Sleep(90 * time.Minute)
		stop()
		want := []queuetest.Added{
			{Key: web, After: 2_172_800_202}, {Key: api, After: 52_945_637_355},
			{Key: web, After: 2_172_800_202}, {Key: api, After: 52_945_637_355},
		}
		if diff := r.Diff(want...); diff != "" {
			t.Error(diff)
		}
	})
}

// TestSweepsDoNotOverlap asks for a window of a day between runs at 8 and 9.
func TestSweepsDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var many []queue.Key
		for i := range 1000 {
			many = append(many, queue.Key{Kind: queue.Certificate, Name: fmt.Sprint(i)})
		}
		var r queuetest.Recorder
		_, stop := start(t, newScheduler(t, scheduler.Options{Queue: &r}, scheduler.Entry{
			Name: "sweep", Schedule: "0 8,9 * * *", Spread: 24 * time.Hour, Keys: keys(many...),
		}))
		stop()
		var last time.Duration
		for _, a := range r.Added() {
			last = max(last, a.After)
		}
		if last >= time.Hour || last < 55*time.Minute {
			t.Errorf("the last key comes after %s, want just under the hour between two runs", last)
		}
	})
}

func TestARunIsSkippedWhileTheLastOneGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clocked
		registry := prometheus.NewPedanticRegistry()
		slow := func(run int) {
			if run == 1 {
				time.Sleep(150 * time.Minute)
			}
		}
		logged, stop := start(t, newScheduler(t, scheduler.Options{Registerer: registry}, scheduler.Entry{
			Name: "sweep", Schedule: "@every 1h", Keys: c.keys(slow),
		}))
		time.Sleep(3*time.Hour + time.Minute)
		stop()
		if diff := cmp.Diff([]time.Duration{0, 3 * time.Hour}, c.at); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
		if got := value(t, registry, "certwright_scheduler_skipped_runs_total"); got != 2 {
			t.Errorf("%v runs were counted as skipped, want 2", got)
		}
		if n := strings.Count(logged.String(), `Skipping a run`); n != 2 {
			t.Errorf("%d skips were logged:\n%s", n, logged)
		}
	})
}

func TestAPanicIsRecoveredAndTheEntryRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clocked
		var r queuetest.Recorder
		registry := prometheus.NewPedanticRegistry()
		poisoned := func(run int) {
			if run == 1 {
				panic("no lister")
			}
		}
		logged, stop := start(t, newScheduler(t, scheduler.Options{Queue: &r, Registerer: registry}, scheduler.Entry{
			Name: "sweep", Schedule: "@every 1h", Keys: c.keys(poisoned),
		}))
		if got := value(t, registry, "certwright_scheduler_runs_total"); got != 0 {
			t.Errorf("%v runs were counted, want none: it panicked", got)
		}
		time.Sleep(90 * time.Minute)
		stop()
		if diff := r.Diff(queuetest.Added{Key: web}); diff != "" {
			t.Error(diff)
		}
		if got := value(t, registry, "certwright_scheduler_panics_total"); got != 1 {
			t.Errorf("%v panics were counted, want 1", got)
		}
		for _, want := range []string{"Entry panicked", `entry="sweep"`, "panic: no lister", "scheduler_test.go"} {
			if !strings.Contains(logged.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, logged)
			}
		}
	})
}

// TestStopWaitsForTheRunningEntry stops a run between two of its keys; the run
// goes no further, and Run returns after it.
func TestStopWaitsForTheRunningEntry(t *testing.T) {
	for name, until := range map[string]time.Duration{"first run": time.Minute, "run on schedule": time.Hour + time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r queuetest.Recorder
				registry := prometheus.NewPedanticRegistry()
				ended := false
				slow := func(yield func(queue.Key) bool) {
					defer func() { ended = true }()
					ended = false
					if !yield(web) {
						return
					}
					time.Sleep(10 * time.Minute)
					yield(api)
				}
				_, stop := start(t, newScheduler(t, scheduler.Options{Queue: &r, Registerer: registry}, scheduler.Entry{
					Name: "sweep", Schedule: "@every 1h", Keys: slow,
				}))
				time.Sleep(until)
				before, stopped := value(t, registry, "certwright_scheduler_runs_total"), time.Now()
				r.Take()
				stop()
				if got := time.Since(stopped); got != 9*time.Minute || !ended {
					t.Errorf("Run returned after %s, want 9m, when the entry has", got)
				}
				if diff := r.Diff(); diff != "" {
					t.Errorf("keys after the stop: %s", diff)
				}
				if after := value(t, registry, "certwright_scheduler_runs_total"); after != before {
					t.Error("a run cut short is not a run")
				}
				time.Sleep(24 * time.Hour)
				if diff := r.Diff(); diff != "" {
					t.Errorf("keys long after the stop: %s", diff)
				}
			})
		})
	}
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		s := newScheduler(t, scheduler.Options{Registerer: registry}, scheduler.Entry{
			Name: "sweep", Schedule: "@every 1h", Keys: keys(web, api),
		})
		expect := func(want float64, metric string) {
			t.Helper()
			if got := value(t, registry, metric); got != want {
				t.Errorf("%s is %v, want %v", metric, got, want)
			}
		}
		expect(0, "certwright_scheduler_runs_total")
		expect(0, "certwright_scheduler_last_run_timestamp_seconds")
		_, stop := start(t, s)
		time.Sleep(150 * time.Minute)
		stop()
		expect(3, "certwright_scheduler_runs_total")
		expect(6, "certwright_scheduler_keys_enqueued_total")
		expect(0, "certwright_scheduler_skipped_runs_total")
		expect(0, "certwright_scheduler_panics_total")
		expect(946684800+7200, "certwright_scheduler_last_run_timestamp_seconds")

		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		problems, err := promlint.NewWithMetricFamilies(families).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("%v: %v", err, problems)
		}
	})
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := scheduler.New(scheduler.Options{Queue: &queuetest.Recorder{}},
		scheduler.Entry{Name: "sound", Schedule: "@daily", Keys: keys()},
		scheduler.Entry{Name: "february", Field: "--expiry-sweep-schedule", Schedule: "0 3 30 2 *", Keys: keys()},
		scheduler.Entry{Name: "garbled", Schedule: "soon", Keys: keys()},
		scheduler.Entry{Name: "keyless", Schedule: "@daily"},
		scheduler.Entry{Schedule: "@daily", Keys: keys()},
		scheduler.Entry{Name: "backwards", Schedule: "@daily", Keys: keys(), Spread: -time.Second},
		scheduler.Entry{Name: "sound", Schedule: "@hourly", Keys: keys()},
	)
	if err == nil {
		t.Fatal("no fault was found")
	}
	for _, want := range []string{
		`--expiry-sweep-schedule: schedule "0 3 30 2 *" never fires, there is no such date; use five cron fields`,
		`entry "garbled": schedule "soon": expected exactly 5 fields, found 1: [soon]; use five cron fields`,
		`entry "keyless": an entry needs keys`,
		`entry "": an entry needs a name`,
		`entry "backwards": spread -1s is negative; use 0 for none`,
		`entry "sound": there are two of that name`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%s", want, err)
		}
	}
	if _, err := scheduler.New(scheduler.Options{}); err == nil {
		t.Error("a scheduler without a queue must be refused")
	}
}

func TestRunWithoutEntriesWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, stop := start(t, newScheduler(t, scheduler.Options{}))
		time.Sleep(time.Hour)
		stop()
	})
}
