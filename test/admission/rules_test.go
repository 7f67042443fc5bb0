package admission

import (
	"testing"
)

func TestRules(t *testing.T) {
	t.Parallel()
	for _, c := range Cases() {
		if !c.Asks(Rules) {
			continue
		}
		verdict, err := OnRules(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Judge(Rules, verdict); err != nil {
			t.Error(err)
		}
	}
}

// A case must say enough for a stranger to see why it is there.
func TestCases(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range Cases() {
		if seen[c.Name] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name] = true
		if (c.Only != Both) != (c.Because != "") {
			t.Errorf("%s: a case for one side, and no other, says why", c.Name)
		}
		if c.Raw != nil && c.Only != Server {
			t.Errorf("%s: what Go's types cannot hold is for the server only", c.Name)
		}
		if c.Status && c.Old == nil {
			t.Errorf("%s: a status is written to what is there", c.Name)
		}
	}
}
