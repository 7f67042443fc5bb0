package migration

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/certwright/certwright/daemon/config"
)

// Effect is what one of cert-manager's flags comes to here.
type Effect string

// The effects.
const (
	Same    Effect = "same"    // it means the same and is to be given to certwright too
	Default Effect = "default" // it says what is the default here
	Without Effect = "without" // it is accepted and does nothing
	Unknown Effect = "unknown" // certwright does not take it
)

// Flag is one of cert-manager's flags, and what it comes to here.
type Flag struct {
	Given  string `json:"given"`
	Effect Effect `json:"effect"`
	// Note says why it has no effect, or what is wrong with it.
	Note string `json:"note,omitempty"`
}

// Translation is what cert-manager's args come to.
type Translation struct {
	Flags []Flag `json:"flags"`
	// Args are what `certwright run` is to be given.
	Args []string `json:"args,omitempty"`
	// Fault is what keeps certwright from starting with them; empty when nothing does.
	Fault string `json:"fault,omitempty"`
}

// Translate judges args by the same tables that `certwright run` reads them with.
func Translate(args []string) Translation {
	var t Translation
	for _, arg := range args {
		flag := translate(arg)
		t.Flags = append(t.Flags, flag)
		if flag.Effect == Same && !slices.Contains(t.Args, arg) {
			t.Args = append(t.Args, arg)
		}
	}
	// Each may be right, and all of them together not.
	if _, err := Config(t.Args); err != nil {
		t.Fault = err.Error()
	}
	return t
}

// Config is what certwright would run with, given such args. Errors: what it would
// not start with.
func Config(args []string) (config.Config, error) {
	fs, cfg, binding := newFlags()
	if err := fs.Parse(args); err != nil {
		return *cfg, err
	}
	_, err := binding.Load(nil)
	if err == nil {
		err = cfg.Validate()
	}
	return *cfg, err
}

// Translations are of all controllers that were found, by NAMESPACE/NAME.
func Translations(c Cluster) map[string]Translation {
	all := map[string]Translation{}
	for _, w := range c.the(Controller) {
		all[w.Namespace+"/"+w.Name] = Translate(w.Args)
	}
	return all
}

func newFlags() (*pflag.FlagSet, *config.Config, *config.Binding) {
	fs, cfg := pflag.NewFlagSet("cert-manager", pflag.ContinueOnError), &config.Config{}
	fs.SetOutput(io.Discard)
	return fs, cfg, config.Bind(fs, cfg)
}

func translate(arg string) Flag {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	if name == "config" {
		return Flag{arg, Unknown, "a configuration file of cert-manager's is not read: give its settings as flags, or write them into certwright's file (certwright options)"}
	}
	fs, _, binding := newFlags()
	before := map[string]string{}
	fs.VisitAll(func(f *pflag.Flag) { before[f.Name] = f.Value.String() })
	if err := fs.Parse([]string{arg}); err != nil {
		return Flag{arg, Unknown, err.Error()}
	}
	if notices, err := binding.Load(nil); err == nil && len(notices) > 0 {
		_, why, _ := strings.Cut(notices[0], ": ")
		return Flag{arg, Without, why}
	}
	if f := fs.Lookup(name); f != nil && f.Value.String() == before[name] {
		return Flag{Given: arg, Effect: Default}
	}
	return Flag{Given: arg, Effect: Same, Note: notes[name]}
}

// notes are for flags that mean the same and do something else.
var notes = map[string]string{
	"acme-http01-solver-image": "no pod is made for a proof, unless its issuer has a podTemplate; leave it out then, so that certwright's own image is taken",
	"concurrent-workers":       "one worker here does what several did there; leave it out, unless it was raised for slow issuers",
	"kube-api-qps":             "there is no limit by default; leave it out, so that issuance is not slowed down",
	"kube-api-burst":           "leave it out together with --kube-api-qps",
}

// describe is a flag in one line.
func (f Flag) describe() string {
	text := f.Given
	switch f.Effect {
	case Default:
		text += ": the default here too"
	case Without:
		text += ": has no effect"
	case Unknown:
		text += ": not known here"
	}
	if f.Note != "" {
		text = fmt.Sprintf("%s; %s", text, f.Note)
	}
	return text
}
