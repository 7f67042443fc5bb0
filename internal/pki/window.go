package pki

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // an image without zone files must give the same answers

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/robfig/cron/v3"
)

// ErrNoWindow says that no renewal window opens before the certificate ends.
var ErrNoWindow = errors.New("no renewal window opens before the certificate ends")

// NextWindow moves a renewal into the renewal windows of a Certificate: it
// returns from itself when a window is open then or when there are no windows,
// else the moment the next one opens. That moment must lie before notAfter;
// otherwise the error wraps ErrNoWindow. Other errors are those of a window
// that Validate refuses, and name its field.
//
// A window is open from each time its cron expression gives, in its time zone
// (UTC when empty), for its duration; the end is not part of it. A time that a
// change to summer time skips does not open a window that day.
func NextWindow(windows []cmapi.CertificateRenewalWindows, from, notAfter time.Time) (time.Time, error) {
	if len(windows) == 0 {
		return from, nil
	}
	var next time.Time
	for i, w := range windows {
		schedule, wrong := parseWindow(w)
		if wrong != nil {
			return time.Time{}, fmt.Errorf("spec.renewal.windows[%d].%w", i, wrong)
		}
		// The first opening after from-duration: if it is not after from, its
		// window is still open at from.
		if opened := schedule.Next(from.Add(-w.WindowDuration.Duration)); !opened.IsZero() && !opened.After(from) {
			return from, nil
		}
		opens := schedule.Next(from)
		if !opens.IsZero() && (next.IsZero() || opens.Before(next)) {
			next = opens
		}
	}
	if next.IsZero() || !next.Before(notAfter) {
		return time.Time{}, fmt.Errorf("spec.renewal.windows: %w: renewal is due at %s and the end is %s: add a window or renew earlier",
			ErrNoWindow, from.UTC().Format(time.RFC3339), notAfter.UTC().Format(time.RFC3339))
	}
	return next, nil
}

var cronFields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// neverCheck is a time from which the five years that a schedule looks ahead
// hold a 29 February. Whether a date ever comes must not depend on the clock.
var neverCheck = time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)

// parseWindow reads one window; the field of its fault is relative to the
// window. The library panics on a broken zone prefix,
// takes the machine's zone when none is given, and accepts empty list entries
// and dates that never come; all that is caught here.
func parseWindow(w cmapi.CertificateRenewalWindows) (*cron.SpecSchedule, *fault) {
	if w.WindowDuration == nil || w.WindowDuration.Duration <= 0 {
		return nil, &fault{"windowDuration", durationText(w), "it must be greater than 0: write it as 2h or 30m"}
	}
	zone, wrong := parseZone(w.Timezone)
	if wrong != nil {
		return nil, wrong
	}
	parts := strings.Fields(w.Cron)
	if len(parts) != 5 || strings.Contains(w.Cron, "=") {
		return nil, &fault{"cron", w.Cron, "it must have five fields: minute, hour, day of month, month, day of week; the time zone goes into timezone"}
	}
	if slices.ContainsFunc(parts, func(p string) bool { return slices.Contains(strings.Split(p, ","), "") }) {
		return nil, &fault{"cron", w.Cron, "an entry of a list is empty: remove the comma"}
	}
	parsed, err := cronFields.Parse(strings.Join(parts, " "))
	if err != nil {
		return nil, &fault{"cron", w.Cron, err.Error() + ": the fields are minute 0-59, hour 0-23, day of month 1-31, month 1-12, day of week 0-6 with 0 for Sunday"}
	}
	schedule, ok := parsed.(*cron.SpecSchedule)
	if !ok || schedule.Next(neverCheck).IsZero() {
		return nil, &fault{"cron", w.Cron, "that date never comes: change the day or the month"}
	}
	schedule.Location = zone
	return schedule, nil
}

// parseZone reads an IANA zone name. "Local" is a name of Go's for the zone of
// the machine, which nobody outside knows.
func parseZone(name string) (*time.Location, *fault) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, &fault{"timezone", name, "it is not a time zone known here: use an IANA name such as Europe/Berlin, or leave it out for UTC"}
	}
	return zone, nil
}

func durationText(w cmapi.CertificateRenewalWindows) string {
	if w.WindowDuration == nil {
		return ""
	}
	return w.WindowDuration.Duration.String()
}
