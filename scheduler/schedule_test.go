package scheduler

import (
	"strings"
	"testing"
	"time"
)

func day(month time.Month, d, hour, minute int) time.Time {
	return time.Date(2026, month, d, hour, minute, 0, 0, time.UTC)
}

func TestParse(t *testing.T) {
	now := day(time.March, 14, 9, 26)
	rows := []struct {
		text  string
		next  time.Time
		pause time.Duration
	}{
		{"* * * * *", day(time.March, 14, 9, 27), time.Minute},
		{"0 3 * * *", day(time.March, 15, 3, 0), 24 * time.Hour},
		{"30 2 * * 1-5", day(time.March, 16, 2, 30), 24 * time.Hour},
		{"0 8,9 * * *", day(time.March, 15, 8, 0), time.Hour},
		{"*/7 * * * *", day(time.March, 14, 9, 28), 4 * time.Minute},
		{"0,59 0,23 * * *", day(time.March, 14, 23, 0), time.Minute},
		{"0 0 31 * *", day(time.March, 31, 0, 0), 31 * 24 * time.Hour},
		{"0 0 1 1 *", time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC), 365 * 24 * time.Hour},
		{"0 0 29 2 *", time.Date(2028, time.February, 29, 0, 0, 0, 0, time.UTC), sampleSpan},
		{"@daily", day(time.March, 15, 0, 0), 24 * time.Hour},
		{"@hourly", day(time.March, 14, 10, 0), time.Hour},
		{"@every 1h", day(time.March, 14, 10, 26), time.Hour},
		{"@every 1s", day(time.March, 14, 9, 26).Add(time.Second), time.Second},
		{"CRON_TZ=Asia/Tokyo 0 3 * * *", day(time.March, 14, 18, 0), 24 * time.Hour},
	}
	for _, row := range rows {
		t.Run(row.text, func(t *testing.T) {
			schedule, err := Parse(row.text, now)
			if err != nil {
				t.Fatal(err)
			}
			if next := schedule.Next(now); !next.Equal(row.next) {
				t.Errorf("next is %s, want %s", next, row.next)
			}
			if pause := shortestPause(schedule, now); pause != row.pause {
				t.Errorf("the shortest pause is %s, want %s", pause, row.pause)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for text, fault := range map[string]string{
		"":                         "empty",
		"soon":                     "expected exactly 5 fields",
		"0 0 3 * * *":              "expected exactly 5 fields",
		"61 3 * * *":               "above maximum",
		"5-1 3 * * *":              "beyond end of range",
		"*/0 3 * * *":              "step of range should be a positive number",
		"0 3 30 2 *":               "never fires",
		"0 3 31 4,6,9,11 *":        "never fires",
		", * * * *":                "never fires",
		"0 , * * *":                "never fires",
		"@reboot":                  "unrecognized descriptor",
		"@every soon":              "failed to parse duration",
		"@every 0s":                "at least 1s",
		"@every -1h":               "at least 1s",
		"@every 999ms":             "at least 1s",
		"TZ=UTC @every 0s":         "at least 1s",
		"CRON_TZ=UTC":              "a time zone needs a schedule",
		"TZ=":                      "a time zone needs a schedule",
		"CRON_TZ=Mars/X 0 3 * * *": "bad location",
	} {
		_, err := Parse(text, day(time.March, 14, 9, 26))
		if err == nil {
			t.Errorf("%q is taken", text)
			continue
		}
		for _, want := range []string{fault, "schedule ", `use five cron fields such as "0 3 * * *"`} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: the error lacks %q: %s", text, want, err)
			}
		}
	}
}

// FuzzParse looks for texts that panic, and for schedules that are taken but do
// not fire in the future.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"0 3 * * *", "@every 1h30m", "@daily", "TZ=", "CRON_TZ=UTC 1-5/2,7 */3 ? JAN sun", "0 3 30 2 *", "@every 9223372036s"} {
		f.Add(text)
	}
	now := day(time.March, 14, 9, 26)
	f.Fuzz(func(t *testing.T, text string) {
		schedule, err := Parse(text, now)
		if err != nil {
			return
		}
		if next := schedule.Next(now); !next.After(now) {
			t.Errorf("%q fires next at %s", text, next)
		}
		if pause := shortestPause(schedule, now); pause <= 0 {
			t.Errorf("%q pauses for %s", text, pause)
		}
	})
}
