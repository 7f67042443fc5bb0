package lag

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAhead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		shown metav1.ObjectMeta
		key   string
		after time.Duration
		ahead bool
		gone  bool // if the write was the end of it
	}{
		"as it was before":       {metav1.ObjectMeta{UID: "a", ResourceVersion: "9"}, "le", 0, true, true},
		"the write":              {metav1.ObjectMeta{UID: "a", ResourceVersion: "10"}, "le", 0, false, true},
		"what came after it":     {metav1.ObjectMeta{UID: "a", ResourceVersion: "11"}, "le", 0, false, true},
		"a namesake":             {metav1.ObjectMeta{UID: "b", ResourceVersion: "9"}, "le", 0, false, false},
		"another object":         {metav1.ObjectMeta{UID: "a", ResourceVersion: "9"}, "other", 0, false, false},
		"no number":              {metav1.ObjectMeta{UID: "a", ResourceVersion: "x"}, "le", 0, false, true},
		"nothing":                {metav1.ObjectMeta{UID: "a"}, "le", 0, false, true},
		"for nearly ten seconds": {metav1.ObjectMeta{UID: "a", ResourceVersion: "9"}, "le", Net - 1, true, true},
		"for ever, as after a restore from a backup": {metav1.ObjectMeta{UID: "a", ResourceVersion: "9"}, "le", Net, false, false},
	} {
		for gone, want := range map[bool]bool{false: row.ahead, true: row.gone} {
			var w Writes[string]
			last := &metav1.ObjectMeta{UID: "a", ResourceVersion: "10"}
			if w.Stored("le", last, now); gone {
				w.Gone("le", last, now)
			}
			if got := w.Ahead(row.key, &row.shown, now.Add(row.after)); got != want {
				t.Errorf("%s, gone %t: ahead is %t", name, gone, got)
			}
			if _, known := w.known["le"]; row.key == "le" && known != want {
				t.Errorf("%s, gone %t: remembered is %t", name, gone, known)
			}
			w.Forget("le")
			if len(w.known) != 0 {
				t.Errorf("%s: not forgotten", name)
			}
		}
	}
	var none Writes[string]
	if none.Ahead("le", &metav1.ObjectMeta{}, now) {
		t.Error("ahead of nothing")
	}
}
