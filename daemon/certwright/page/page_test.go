package page

import (
	"strings"
	"testing"
	"time"
)

func TestPage(t *testing.T) {
	var p Page
	p.Section("Certificate a/b")
	p.Field("Ready", "False\nsecond line")
	p.Field("Empty", "")
	p.Section("Events")
	p.Line("one \x1b[31mred\u202e")
	var b strings.Builder
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	want := "Certificate a/b\n  Ready        False\n               second line\n\nEvents\n  one \ufffd[31mred\ufffd\n"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	if err := Table(&b, []string{"NAME", "READY"}, [][]string{{"a-long-name", "True"}, {"b\x1b\tc", ""}}); err != nil {
		t.Fatal(err)
	}
	want := "NAME          READY\na-long-name   True\nb\ufffd c          -\n"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0:                      "now",
		500 * time.Millisecond: "now",
		time.Minute:            "in 60s",
		59 * 24 * time.Hour:    "in 59d",
		-3 * time.Hour:         "3h ago",
	} {
		if got := Relative(now.Add(d), now); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
	if got, want := Moment(now.Add(time.Hour), now), "2026-01-02 04:04:05 UTC (in 60m)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Age(now.Add(-time.Hour), now); got != "60m" {
		t.Error(got)
	}
}
