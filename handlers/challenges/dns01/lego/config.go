package lego

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/internal/api"

	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

// Group is the webhook's groupName that leads here.
const Group = api.LegoGroup

const field = "spec.solver.dns01.webhook"

// Config is the webhook's config for one provider.
type Config struct {
	Env         map[string]string                   `json:"env,omitempty"`
	SecretEnv   map[string]cmmeta.SecretKeySelector `json:"secretEnv,omitempty"`
	SecretFiles map[string]cmmeta.SecretKeySelector `json:"secretFiles,omitempty"`
}

// ParseConfig reads and checks the config of a provider, which may use
// credentials of its surroundings only where ambient is true. Errors: a
// *challenges.Fault that names the field.
func ParseConfig(provider string, raw []byte, ambient bool) (Config, error) {
	var c Config
	switch {
	case provider == "":
		return c, challenges.Faulty("%s.solverName: it is empty: name a DNS provider as lego does, such as hetzner", field)
	case provider == "exec", provider == "manual":
		return c, challenges.Faulty("%s.solverName: %s is not served: it would run programs, or ask people, where the daemon is; use another provider, such as httpreq", field, provider)
	case provider == "azure" && !ambient: // it takes the node's identity whatever it is told
		return c, challenges.Faulty("%s.solverName: azure is not served for this issuer: use azuredns, or the solver azureDNS", field)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if len(raw) > 0 {
		if err := decoder.Decode(&c); err != nil {
			return c, challenges.Faulty("%s.config: it is not of the form {env: {KEY: value}, secretEnv: {KEY: {name, key}}, secretFiles: {KEY: {name, key}}}: %s", field, strings.TrimPrefix(err.Error(), "json: "))
		}
	}
	return c, c.check(ambient)
}

func (c Config) check(ambient bool) error {
	seen := map[string]string{}
	for _, group := range []struct {
		name string
		keys []string
		file bool
	}{
		{"env", keys(c.Env), false}, {"secretEnv", keys(c.SecretEnv), false}, {"secretFiles", keys(c.SecretFiles), true},
	} {
		for _, key := range group.keys {
			why := refused(key, group.file)
			if why == "" && !ambient && surroundings(key) {
				why = "takes credentials of the daemon's surroundings, which this issuer may not use: leave it out, or allow that by --issuer-ambient-credentials or --cluster-issuer-ambient-credentials"
			}
			if why != "" {
				return challenges.Faulty("%s.config.%s: %q %s", field, group.name, key, why)
			}
			if other, twice := seen[key]; twice {
				return challenges.Faulty("%s.config: %s is in both %s and %s: keep one", field, key, other, group.name)
			}
			seen[key] = group.name
		}
	}
	return nil
}

func keys[V any](m map[string]V) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

var variable = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// of the process itself, and of no provider
var reserved = []string{"LD_", "DYLD_", "GODEBUG", "GOMAXPROCS", "GOGC", "GOTRACEBACK", "GOMEMLIMIT", "LEGO_", "SSL_CERT_", "SSLKEYLOGFILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "EXEC_"}

// whole variables that name files or the user's own
var personal = []string{"PATH", "HOME", "SHELL", "USER", "TMPDIR", "GOOGLE_APPLICATION_CREDENTIALS", "AKAMAI_EDGERC", "AZURE_CONFIG_DIR"}

// surroundings reports variables that lead to the identity of the pod or node.
func surroundings(key string) bool {
	return strings.HasPrefix(key, "AWS_CONTAINER_") ||
		slices.Contains([]string{"AWS_EC2_METADATA_DISABLED", "GCE_METADATA_HOST", "AZURE_AUTH_METHOD", "ALICLOUD_RAM_ROLE", "OCI_AUTH_TYPE"}, key)
}

// refused says why a variable cannot be set. A variable that names a file could
// name the daemon's own token, and another the place to send it to.
func refused(key string, file bool) string {
	if !variable.MatchString(key) {
		return "is no environment variable of a provider: they are of the form ABC_DEF"
	}
	for _, prefix := range reserved {
		if strings.HasPrefix(key, prefix) {
			return "is not for a provider: leave it out"
		}
	}
	if file || !slices.Contains(personal, key) && !namesFile(key) {
		return ""
	}
	return "names a file of the daemon's: give the content under the name without _FILE by secretEnv, or a Secret by secretFiles"
}

func namesFile(key string) bool {
	for _, suffix := range []string{"_FILE", "_PATH", "_DIR", "_DIRECTORY", "_FILENAME", "_KEYTAB"} {
		if strings.HasSuffix(key, suffix) {
			return true
		}
	}
	return false
}
