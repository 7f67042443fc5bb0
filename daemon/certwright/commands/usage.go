package commands

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/certwright/certwright/daemon/config/nearest"
)

// usageError is a fault of the command line that a command finds itself.
type usageError struct{ error }

// Unwrap lets errors.Is look at what is inside.
func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func isUsage(err error) bool {
	var u usageError
	return errors.As(err, &u)
}

// flagFault adds to an unknown flag the one that was perhaps meant.
func flagFault(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usageError{err}
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return usagef("%w%s", err, nearest.Hint("--"+unknown.GetSpecifiedName(), known))
}

// noSuchCommand is the argument rule of a command that only has subcommands.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	return usagef("%s has no command %q%s", cmd.CommandPath(), args[0], nearest.Hint(args[0], known))
}

// names is the argument rule of a command that works on named objects: at
// least one, at most the given number (0 is any number).
func names(kind string, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usagef("the name of a %s is missing", kind)
		case most > 0 && len(args) > most:
			return usagef("%q is one too many: %s takes %d name(s)", args[most], cmd.CommandPath(), most)
		}
		return nil
	}
}
