package config

import (
	"errors"

	"github.com/spf13/pflag"
)

// ErrReload is the cause with which the context of a daemon ends that is
// started again at once, in the same process, with another configuration.
var ErrReload = errors.New("the configuration is read anew")

// Again reads the configuration from the start: the same flags, and what the
// environment (as os.Environ gives it) and the file say now. The binding and
// the Config it filled stay as they are. Notices and errors are those of
// [Binding.Load].
func (b *Binding) Again(environ []string) (Config, []string, error) {
	var c Config
	fs := pflag.NewFlagSet("again", pflag.ContinueOnError)
	again := Bind(fs, &c)
	again.file = b.file
	var faults []error
	b.flags.Visit(func(f *pflag.Flag) {
		if known := fs.Lookup(f.Name); known != nil {
			faults = append(faults, repeat(fs, f, known))
		}
	})
	notices, err := again.Load(environ)
	return c, notices, errors.Join(append(faults, err)...)
}

// repeat gives a flag of fs the value that another set was given. The text of a
// list is no list again, so that lists are handed over as such.
func repeat(fs *pflag.FlagSet, given, known *pflag.Flag) error {
	from, list := given.Value.(pflag.SliceValue)
	if !list {
		return fs.Set(given.Name, given.Value.String())
	}
	if err := fs.Set(given.Name, ""); err != nil {
		return err
	}
	return known.Value.(pflag.SliceValue).Replace(from.GetSlice())
}
