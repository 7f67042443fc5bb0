package cabundles

import (
	"slices"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/pki"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	a, b := authority(t, "a", time.Hour), authority(t, "b", 2*time.Hour)
	old, older := authority(t, "old", -time.Second), authority(t, "older", 0)
	join := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	comment := []byte("# by hand\n")
	for name, row := range map[string]struct {
		have, ca, want []byte
		changed        bool
		garbage        bool
		expires        time.Duration
	}{
		"empty":                    {nil, a, a, true, false, time.Hour},
		"blank":                    {[]byte(" \n"), a, a, true, false, time.Hour},
		"there already":            {a, a, a, false, false, time.Hour},
		"behind what is there":     {b, a, join(b, a), true, false, time.Hour},
		"among others":             {join(b, a), a, join(b, a), false, false, time.Hour},
		"a bundle":                 {a, join(a, b), join(a, b), true, false, time.Hour},
		"expired, dropped":         {join(old, b, older), a, join(b, a), true, false, time.Hour},
		"expired alone":            {old, b, b, true, false, 2 * time.Hour},
		"expired, in the CA":       {b, join(old, b), b, false, false, 2 * time.Hour},
		"doubled":                  {join(a, b, a), a, join(a, b), true, false, time.Hour},
		"garbage":                  {[]byte("garbage"), a, a, true, true, time.Hour},
		"half garbage":             {join(b, []byte("-----BEGIN")), a, a, true, true, time.Hour},
		"comments stay unless new": {join(comment, a), a, join(comment, a), false, false, time.Hour},
		"comments go with a write": {join(comment, a), b, join(a, b), true, false, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca, err := pki.ParseBundle(row.ca)
			if err != nil {
				t.Fatal(err)
			}
			m := merge(row.have, ca, now)
			if string(m.pem) != string(row.want) || m.changed != row.changed || (m.garbage != nil) != row.garbage {
				t.Errorf("changed %t, garbage %v:\n%s\nwant changed %t:\n%s", m.changed, m.garbage, m.pem, row.changed, row.want)
			}
			if want := now.Add(row.expires); !m.expires.Equal(want) {
				t.Errorf("expires %s, want %s", m.expires, want)
			}
			if again := merge(m.pem, ca, now); again.changed {
				t.Error("merged again, it changes")
			}
		})
	}
}
