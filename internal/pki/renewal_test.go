package pki

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestRenewalTime(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	hours := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Hour) }
	before := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	percent := func(n int32) *int32 { return &n }
	for name, c := range map[string]struct {
		end     time.Time
		before  *metav1.Duration
		percent *int32
		want    time.Time
	}{
		"default":                  {hours(90), nil, nil, hours(60)},
		"renewBefore":              {hours(90), before(time.Hour), nil, hours(89)},
		"renewBefore too long":     {hours(90), before(90 * time.Hour), nil, hours(60)},
		"renewBefore far too long": {hours(1), before(1000 * time.Hour), nil, begin.Add(40 * time.Minute)},
		"renewBefore zero":         {hours(90), before(0), nil, hours(60)},
		"renewBefore negative":     {hours(90), before(-time.Hour), nil, hours(60)},
		"percentage":               {hours(100), nil, percent(25), hours(75)},
		"percentage 1":             {hours(100), nil, percent(1), hours(99)},
		"percentage 99":            {hours(100), nil, percent(99), hours(1)},
		"percentage 0":             {hours(90), nil, percent(0), hours(60)},
		"percentage 100":           {hours(90), nil, percent(100), hours(60)},
		"percentage negative":      {hours(90), nil, percent(-5), hours(60)},
		"too long and percentage":  {hours(100), before(200 * time.Hour), percent(10), hours(90)},
		"whole seconds":            {begin.Add(100 * time.Second), nil, nil, begin.Add(66 * time.Second)},
		"five minutes":             {begin.Add(5 * time.Minute), nil, nil, begin.Add(200 * time.Second)},
		"a hundred years":          {begin.AddDate(100, 0, 0), nil, percent(99), begin.Add(36524 * 24 * time.Hour / 100)},
		"no end":                   {time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), before(24 * time.Hour), nil, time.Date(9999, 12, 30, 23, 59, 59, 0, time.UTC)},
	} {
		if got := RenewalTime(begin, c.end, c.before, c.percent); !got.Equal(c.want.Truncate(time.Second)) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestNoPercentageIsDueAtIssue holds the backdating against the largest
// percentage: neither may make a certificate due before it is stored.
func TestNoPercentageIsDueAtIssue(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
	percentage := int32(99)
	for _, d := range []time.Duration{10 * time.Minute, time.Hour, 8 * time.Hour, 24 * time.Hour, 90 * 24 * time.Hour} {
		cert, err := NewTemplate(now, d)
		if err != nil {
			t.Fatal(err)
		}
		if at := RenewalTime(cert.NotBefore, cert.NotAfter, nil, &percentage); at.Before(now) {
			t.Errorf("%s: renewal at %s is before the issue at %s", d, at, now)
		}
	}
}
