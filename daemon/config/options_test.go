package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A field without a row could not be set; a field with two would be set twice.
func TestEveryFieldHasOneOption(t *testing.T) {
	var c Config
	rows := map[any]string{}
	for _, o := range Options() {
		p := o.field(&c)
		if other, taken := rows[p]; taken {
			t.Errorf("--%s and --%s set the same field", o.Flag, other)
		}
		rows[p] = o.Flag
	}
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Name == "WebhookSets" { // a structure, of the file alone
			continue
		}
		if _, ok := rows[v.Field(i).Addr().Interface()]; !ok {
			t.Errorf("field %s has no option", v.Type().Field(i).Name)
		}
	}
	if len(rows) != v.NumField()-1 {
		t.Errorf("%d options for %d fields", len(rows), v.NumField())
	}
}

func TestOptionsAreDocumented(t *testing.T) {
	for _, o := range Options() {
		if o.Use == "" || strings.HasSuffix(o.Use, ".") {
			t.Errorf("--%s: Use is a phrase without a full stop, got %q", o.Flag, o.Use)
		}
		if len(o.Why) < 40 || !strings.HasSuffix(o.Why, ".") && !strings.HasSuffix(o.Why, "`.") {
			t.Errorf("--%s: Why is a sentence that says when to change it, got %q", o.Flag, o.Why)
		}
	}
}

func TestNamesAreDistinct(t *testing.T) {
	names := []string{configFlag}
	for _, o := range Options() {
		names = append(names, o.Flag)
	}
	for _, i := range ignoredFlags() {
		names = append(names, i.flag)
		if i.why == "" {
			t.Errorf("--%s: no reason", i.flag)
		}
	}
	slices.Sort(names)
	for i, n := range names[1:] {
		if names[i] == n {
			t.Errorf("--%s stands twice", n)
		}
	}
}

// The kubelet sets CERTWRIGHT_PORT, CERTWRIGHT_PORT_9402_TCP and
// CERTWRIGHT_SERVICE_HOST in every pod beside a Service called certwright.
func TestNoOptionIsAServiceVariable(t *testing.T) {
	for _, o := range Options() {
		for _, reserved := range []string{"port", "service-host", "service-port"} {
			if o.Flag == reserved || strings.HasPrefix(o.Flag, reserved+"-") {
				t.Errorf("--%s: the kubelet may set %s", o.Flag, o.Env())
			}
		}
	}
}

func TestSpellings(t *testing.T) {
	o := Option{Flag: "leader-election-lease-duration"}
	if got := o.Env(); got != "CERTWRIGHT_LEADER_ELECTION_LEASE_DURATION" {
		t.Errorf("Env() = %s", got)
	}
	if got := o.Key(); got != "leaderElectionLeaseDuration" {
		t.Errorf("Key() = %s", got)
	}
}

func TestReferenceShowsEverything(t *testing.T) {
	var b strings.Builder
	if err := WriteReference(&b); err != nil {
		t.Fatal(err)
	}
	for _, o := range Options() {
		for _, part := range []string{"### `--" + o.Flag + "`\n", o.Why, "`" + o.Env() + "`", "`" + o.Key() + "`"} {
			if !strings.Contains(b.String(), part) {
				t.Errorf("--%s: the reference lacks %q", o.Flag, part)
			}
		}
	}
	for _, i := range ignoredFlags() {
		if !strings.Contains(b.String(), "| `--"+i.flag+"` |") {
			t.Errorf("the reference lacks --%s", i.flag)
		}
	}
	for _, want := range []string{
		"Default: `1h`.", "Default: `30s`.", "Default: empty.", "Default: `16`.", "Default: `true`.",
		"Default: `*,-kubectl.kubernetes.io/,-fluxcd.io/,-argocd.argoproj.io/`.",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the reference lacks %q", want)
		}
	}
}
