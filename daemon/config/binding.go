package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
)

// Binding ties a [Config] to a flag set. It is made by [Bind] before the flags
// are parsed and filled by [Binding.Load] after.
type Binding struct {
	flags  *pflag.FlagSet
	config *Config
	file   string // the path given by --config
}

// Bind sets c to the defaults and registers one flag for each option, with the
// options' fields behind them, and the flags of cert-manager that are ignored.
func Bind(fs *pflag.FlagSet, c *Config) *Binding {
	*c = Default()
	b := &Binding{flags: fs, config: c}
	fs.StringVar(&b.file, configFlag, "", "path of a configuration file (apiVersion "+APIVersion+", kind "+Kind+")")
	for _, o := range Options() {
		bindField(fs, o, o.field(c))
	}
	bindIgnored(fs)
	return b
}

// configFlag is no row of the table, for a file cannot name itself.
const configFlag = "config"

// bindField registers one flag. The panic is for a new row whose field is of a
// type that no source can read; it falls to the first test that runs.
func bindField(fs *pflag.FlagSet, o Option, field any) {
	short := ""
	if len(o.Flag) == 1 {
		short = o.Flag
	}
	switch f := field.(type) {
	case *string:
		fs.StringVarP(f, o.Flag, short, *f, o.Use)
	case *bool:
		fs.BoolVarP(f, o.Flag, short, *f, o.Use)
	case *int:
		fs.IntVarP(f, o.Flag, short, *f, o.Use)
	case *float32:
		fs.Float32VarP(f, o.Flag, short, *f, o.Use)
	case *time.Duration:
		fs.DurationVarP(f, o.Flag, short, *f, o.Use)
	case *[]string:
		fs.StringSliceVarP(f, o.Flag, short, *f, o.Use)
	default:
		panic(fmt.Sprintf("config: option %q has a field of type %T, which no source can set", o.Flag, field))
	}
}

// Load fills what no flag has set from the environment (as os.Environ gives
// it) and the configuration file, in that order. The notices are lines for the
// log: what was accepted and has no effect. The error joins all faults of all
// sources; the values are not judged yet, that is [Config.Validate].
func (b *Binding) Load(environ []string) (notices []string, err error) {
	notices = ignoredNotices(b.flags)
	env := readEnv(environ)
	notices = append(notices, env.notices()...)
	if b.file == "" {
		b.file = env[EnvName(configFlag)]
	}
	file, fault := readFile(b.file)
	faults := []error{fault}
	for _, o := range Options() {
		faults = append(faults, b.fill(o, env, file))
	}
	b.config.WebhookSets, fault = file.webhookSets()
	b.config.sidecar(b.given("controllers", env, file))
	return notices, errors.Join(append(faults, fault)...)
}

// given reports whether any source sets an option.
func (b *Binding) given(flag string, env environment, file document) bool {
	o := Option{Flag: flag}
	_, inEnv := env[o.Env()]
	_, inFile := file.values[o.Key()]
	return b.flags.Changed(flag) || inEnv || inFile
}

// fill sets one option from the first source that has it.
func (b *Binding) fill(o Option, env environment, file document) error {
	if b.flags.Changed(o.Flag) {
		return nil
	}
	value := b.flags.Lookup(o.Flag).Value
	if text, ok := env[o.Env()]; ok {
		return setText(value, text, o.Env())
	}
	if v, ok := file.values[o.Key()]; ok {
		return setAny(value, v, file.path+": "+o.Key())
	}
	return nil
}

// setText sets a value from text. The parser's own words are Go's ("strconv:
// invalid syntax"), so the fault says what would do instead.
func setText(value pflag.Value, text, source string) error {
	if err := value.Set(text); err != nil {
		return fmt.Errorf("%s: %q is not %s", source, text, wanted(value))
	}
	return nil
}

// wanted describes in words what a value accepts.
func wanted(value pflag.Value) string {
	switch value.Type() {
	case "duration":
		return "a duration with its unit; write for example 90s, 10m or 1h30m"
	case "int":
		return "a whole number; write for example 16"
	case "float32":
		return "a number; write for example 50 or 0.5"
	case "bool":
		return "a truth value; write true or false"
	case "stringSlice":
		return "a list; write for example a,b"
	}
	return "a text"
}
