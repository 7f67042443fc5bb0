package status

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func reports(t *testing.T) []Report {
	t.Helper()
	r, _, _ := reader(everything())
	all, err := r.All(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var found []Report
	for _, o := range all {
		found = append(found, New(o, now))
	}
	Urgent(found)
	return found
}

func TestScreen(t *testing.T) {
	lines, offset := Screen{Width: 70, Height: 12, Namespaces: true, Note: "a\x1bnote"}.List(reports(t), now)
	want := []string{
		"12:00:00 UTC  5 Certificates, 4 Waiting, 1 Ready",
		"a\ufffdnote",
		"",
		"STATE    NAME        ISSUER            EXPIRES  RENEWS  WAITING FOR",
		"Waiting  ns/new      Issuer/ca         -        -       the daemon to…",
		"Waiting  ns/web      Issuer/ca         -        -       approval of w…",
		"Waiting  other/lost  Issuer/ca         -        -       Issuer/ca to …",
		"Waiting  other/wide  ClusterIssuer/ca  -        -       ClusterIssuer…",
		"Ready    ns/old      Issuer/ca         in 60d   in 30d  -",
		"q quits",
	}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") || offset != 0 {
		t.Errorf("got, from %d:\n%s", offset, got)
	}
}

// It always fits, and the offset stays where there is something.
func TestScreenFits(t *testing.T) {
	all := reports(t)
	for i := range 100 {
		r := all[0]
		r.Name = fmt.Sprintf("%s-%03d", strings.Repeat("ü", 80), i)
		all = append(all, r)
	}
	for height := 1; height < 40; height++ {
		for _, width := range []int{1, 2, 20, 80, 300} {
			for _, offset := range []int{-5, 0, 50, 1 << 30} {
				s := Screen{Width: width, Height: height, Offset: offset, Note: strings.Repeat("note ", 20)}
				lines, at := s.List(all, now)
				if len(lines) > height || at < 0 || at > len(all)-1 {
					t.Fatalf("%d lines from %d for %+v", len(lines), at, s)
				}
				for _, line := range lines {
					if utf8.RuneCountInString(line) > width {
						t.Fatalf("%q is wider than %d", line, width)
					}
				}
			}
		}
	}
	lines, _ := Screen{Width: 80, Height: 10, Offset: 1 << 30}.List(all, now)
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "100-105 of 105") || len(lines) != 10 {
		t.Errorf("%d lines, the last is %q", len(lines), last)
	}
}

func TestScreenInColour(t *testing.T) {
	lines, _ := Screen{Width: 80, Height: 20, Color: true, Note: "gone"}.List(reports(t), now)
	text := strings.Join(lines, "\n")
	for _, want := range []string{"\x1b[1;31mgone\x1b[0m", "\x1b[33mWaiting\x1b[0m  new", "\x1b[32mReady\x1b[0m    old"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	lines, _ = Screen{Width: 80, Height: 20}.List(reports(t), now)
	if strings.Contains(strings.Join(lines, ""), "\x1b") {
		t.Error("colours nobody asked for")
	}
}

func TestScreenOfNothingAndOfAPage(t *testing.T) {
	lines, _ := Screen{Width: 80, Height: 20}.List(nil, now)
	if !strings.Contains(lines[len(lines)-2], "No Certificates found") {
		t.Errorf("%q", lines)
	}
	lines, at := Screen{Width: 80, Height: 5, Offset: 1}.Page("a\nb\nc\nd\n", now)
	if strings.Join(lines[2:4], "") != "bc" || at != 1 {
		t.Errorf("%q from %d", lines, at)
	}
}

func TestChanges(t *testing.T) {
	var c Changes
	lines := func(reports []Report) string {
		var all []string
		for _, change := range c.Since(reports, now) {
			all = append(all, strings.TrimPrefix(change.Line(), "2026-03-01T12:00:00Z  "))
		}
		return strings.Join(all, "\n")
	}
	all := reports(t)
	want := "ns/new  Waiting  waits for the daemon to see it\nns/old  Ready  expires 2026-04-30T12:00:00Z\nns/web  Waiting  waits for approval of web-1\n" +
		"other/lost  Waiting  waits for Issuer/ca to exist\nother/wide  Waiting  waits for ClusterIssuer/ca to exist"
	if got := lines(all); got != want {
		t.Errorf("at first:\n%s", got)
	}
	if got := lines(all); got != "" {
		t.Errorf("nothing changed:\n%s", got)
	}
	all[1].WaitingFor = "x\x1b\ny"
	if got := lines(all[1:]); got != "ns/new  deleted\nns/web  Waiting  waits for x\ufffd y" {
		t.Errorf("changed:\n%q", got)
	}
	failed := New(Observed{Certificate: certificate(failedOnce), Issuer: Issuer{State: "Ready"}}, now)
	c = Changes{}
	c.Since([]Report{failed}, now)
	later := failed
	later.WaitingFor = "another attempt, in 49m"
	if got := lines([]Report{later}); got != "" {
		t.Errorf("a time that comes nearer is a change: %s", got)
	}
}
