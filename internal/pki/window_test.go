package pki

import (
	"errors"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func window(cron string, d time.Duration, zone string) cmapi.CertificateRenewalWindows {
	return cmapi.CertificateRenewalWindows{Cron: cron, WindowDuration: &metav1.Duration{Duration: d}, Timezone: zone}
}

func TestNextWindow(t *testing.T) {
	t.Parallel()
	type list = []cmapi.CertificateRenewalWindows
	night := window("0 2 * * *", 2*time.Hour, "")
	for name, c := range map[string]struct {
		windows         list
		from, end, want string
	}{
		"no windows":              {nil, "2026-03-03T12:34:56Z", "2026-03-01T00:00:00Z", "2026-03-03T12:34:56Z"},
		"before":                  {list{night}, "2026-03-03T01:00:00Z", "2026-04-01T00:00:00Z", "2026-03-03T02:00:00Z"},
		"at the opening":          {list{night}, "2026-03-03T02:00:00Z", "2026-04-01T00:00:00Z", "2026-03-03T02:00:00Z"},
		"inside":                  {list{night}, "2026-03-03T03:59:59Z", "2026-04-01T00:00:00Z", "2026-03-03T03:59:59Z"},
		"at the end":              {list{night}, "2026-03-03T04:00:00Z", "2026-04-01T00:00:00Z", "2026-03-04T02:00:00Z"},
		"after":                   {list{night}, "2026-03-03T12:00:00Z", "2026-04-01T00:00:00Z", "2026-03-04T02:00:00Z"},
		"the next of two":         {list{window("0 2 * * SUN", time.Hour, ""), window("0 3 * * SAT", time.Hour, "")}, "2026-03-03T12:00:00Z", "2026-04-01T00:00:00Z", "2026-03-07T03:00:00Z"},
		"inside one of two":       {list{window("0 2 * * SUN", time.Hour, ""), window("0 0 * * 2", 24*time.Hour, "")}, "2026-03-03T12:00:00Z", "2026-04-01T00:00:00Z", "2026-03-03T12:00:00Z"},
		"always open":             {list{window("* * * * *", time.Minute, "")}, "2026-03-03T12:00:30Z", "2026-04-01T00:00:00Z", "2026-03-03T12:00:30Z"},
		"overlapping itself":      {list{window("0 * * * *", 90*time.Minute, "")}, "2026-03-03T12:45:00Z", "2026-04-01T00:00:00Z", "2026-03-03T12:45:00Z"},
		"zone in winter":          {list{window("0 2 * * *", time.Hour, "Europe/Berlin")}, "2026-03-03T00:00:00Z", "2026-04-01T00:00:00Z", "2026-03-03T01:00:00Z"},
		"zone in summer":          {list{window("0 2 * * *", time.Hour, "Europe/Berlin")}, "2026-07-03T00:30:00Z", "2026-09-01T00:00:00Z", "2026-07-03T00:30:00Z"},
		"hour that does not come": {list{window("30 2 * * *", time.Minute, "Europe/Berlin")}, "2026-03-29T00:00:00Z", "2026-09-01T00:00:00Z", "2026-03-30T00:30:00Z"},
		"29 February":             {list{window("0 0 29 2 *", time.Hour, "")}, "2026-03-03T00:00:00Z", "2030-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		"none fits":               {list{night}, "2026-03-03T12:00:00Z", "2026-03-04T02:00:00Z", ""},
		"none in five years":      {list{window("0 0 29 2 *", time.Hour, "")}, "2096-03-01T00:00:00Z", "2200-01-01T00:00:00Z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := NextWindow(c.windows, clock(t, c.from), clock(t, c.end))
			if c.want == "" {
				if !errors.Is(err, ErrNoWindow) {
					t.Errorf("got %s, %v", got, err)
				}
				return
			}
			if err != nil || !got.Equal(clock(t, c.want)) {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

func clock(t *testing.T, s string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNextWindowRefuses(t *testing.T) {
	t.Parallel()
	const five = "it must have five fields: minute, hour, day of month, month, day of week; the time zone goes into timezone"
	const ranges = ": the fields are minute 0-59, hour 0-23, day of month 1-31, month 1-12, day of week 0-6 with 0 for Sunday"
	for _, c := range []struct {
		window cmapi.CertificateRenewalWindows
		want   string
	}{
		{cmapi.CertificateRenewalWindows{Cron: "0 2 * * *"}, "windowDuration: it must be greater than 0: write it as 2h or 30m"},
		{window("0 2 * * *", 0, ""), "windowDuration: it must be greater than 0: write it as 2h or 30m"},
		{window("0 2 * * *", -1, ""), "windowDuration: it must be greater than 0: write it as 2h or 30m"},
		{window("0 2 * * *", 1, "Mars/Base"), "timezone: it is not a time zone known here: use an IANA name such as Europe/Berlin, or leave it out for UTC"},
		{window("0 2 * * *", 1, "Local"), "timezone: it is not a time zone known here: use an IANA name such as Europe/Berlin, or leave it out for UTC"},
		{window("0 2 * * *", 1, "../etc/passwd"), "timezone: it is not a time zone known here: use an IANA name such as Europe/Berlin, or leave it out for UTC"},
		{window("", 1, ""), "cron: " + five},
		{window("0 2 * *", 1, ""), "cron: " + five},
		{window("0 0 2 * * *", 1, ""), "cron: " + five},
		{window("@daily", 1, ""), "cron: " + five},
		{window("TZ=UTC", 1, ""), "cron: " + five},
		{window("TZ=UTC 2 * * *", 1, ""), "cron: " + five},
		{window("CRON_TZ=UTC 0 2 * * *", 1, ""), "cron: " + five},
		{window(", 2 * * *", 1, ""), "cron: an entry of a list is empty: remove the comma"},
		{window("0 2,,3 * * *", 1, ""), "cron: an entry of a list is empty: remove the comma"},
		{window("60 2 * * *", 1, ""), "cron: end of range (60) above maximum (59): 60" + ranges},
		{window("0 2 * * 7", 1, ""), "cron: end of range (7) above maximum (6): 7" + ranges},
		{window("0 2 30 2 *", 1, ""), "cron: that date never comes: change the day or the month"},
		{window("0 2 31 4,6,9,11 *", 1, ""), "cron: that date never comes: change the day or the month"},
	} {
		_, err := NextWindow([]cmapi.CertificateRenewalWindows{window("0 0 1 1 *", 1, ""), c.window}, testNow, testNow.AddDate(1, 0, 0))
		if want := "spec.renewal.windows[1]." + c.want; errorText(err) != want {
			t.Errorf("%+v\nerror = %v\nwant    %s", c.window, err, want)
		}
	}
}
