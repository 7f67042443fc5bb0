package config

import "strings"

// Option is one row of the table that ties a field of [Config] to its names.
type Option struct {
	// Flag is the name without dashes. The other names follow from it.
	Flag string
	// Group is the heading under which the reference shows it.
	Group string
	// Use says in one line what the option sets.
	Use string
	// Why says when to change it, and which misuse to keep from.
	Why string
	// field returns a pointer to the option's field in c.
	field func(c *Config) any
}

// Env is the name of the environment variable.
func (o Option) Env() string { return EnvName(o.Flag) }

// EnvName is the environment variable that stands for a flag.
func EnvName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

const envPrefix = "CERTWRIGHT_"

// Key is the name in the configuration file: the flag in camel case.
func (o Option) Key() string {
	words := strings.Split(o.Flag, "-")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

// Options is the table: every option there is, in the order of the reference.
func Options() []Option {
	var all []Option
	for _, group := range [][]Option{
		clusterOptions(), scopeOptions(), leaderOptions(), shardOptions(), workOptions(),
		certificateOptions(), ambientOptions(), challengeOptions(), http01Options(), dns01Options(), injectionOptions(), shimOptions(), fileOptions(), servingOptions(), tracingOptions(), loggingOptions(),
	} {
		all = append(all, group...)
	}
	return all
}
