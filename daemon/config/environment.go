package config

import (
	"slices"
	"strings"

	"github.com/certwright/certwright/daemon/config/nearest"
)

// environment is the part of the process environment that begins with our
// prefix and is not empty. An empty variable counts as not set: templates that
// fill a Deployment leave such behind where nothing was chosen.
type environment map[string]string

func readEnv(environ []string) environment {
	e := environment{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, envPrefix) && value != "" {
			e[name] = value
		}
	}
	return e
}

// notices names variables that look like a slip. They are no faults, for we
// are not alone in that namespace: a Service called certwright makes the
// kubelet set CERTWRIGHT_SERVICE_HOST, CERTWRIGHT_PORT and their like.
func (e environment) notices() []string {
	known := []string{EnvName(configFlag)}
	for _, o := range Options() {
		known = append(known, o.Env())
	}
	var lines []string
	for name := range e {
		if slices.Contains(known, name) {
			continue
		}
		if hint := nearest.Hint(name, known); hint != "" {
			lines = append(lines, "environment variable "+name+" is not an option"+hint)
		}
	}
	slices.Sort(lines)
	return lines
}
