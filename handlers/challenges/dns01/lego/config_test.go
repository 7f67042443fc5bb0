package lego_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/lego"
)

func TestParseConfig(t *testing.T) {
	t.Parallel()
	c, err := lego.ParseConfig("hetzner", []byte(`{"env":{"HETZNER_TTL":"60"},"secretEnv":{"HETZNER_API_TOKEN":{"name":"hetzner","key":"token"}},"secretFiles":{"X_KEY_PATH":{"name":"x","key":"k"}}}`), false)
	if err != nil {
		t.Fatal(err)
	}
	if c.Env["HETZNER_TTL"] != "60" || c.SecretEnv["HETZNER_API_TOKEN"].Name != "hetzner" || c.SecretFiles["X_KEY_PATH"].Key != "k" {
		t.Errorf("%+v", c)
	}
	if _, err := lego.ParseConfig("hetzner", nil, false); err != nil {
		t.Errorf("without a config, lego says what is missing: %v", err)
	}
}

func TestSurroundingsWhereAllowed(t *testing.T) {
	t.Parallel()
	for _, provider := range []string{"azure", "route53"} {
		if _, err := lego.ParseConfig(provider, []byte(`{"env":{"AZURE_AUTH_METHOD":"msi"}}`), true); err != nil {
			t.Error(err)
		}
	}
}

// Who may write an Issuer must not get at what is the daemon's.
func TestConfigsThatAreRefused(t *testing.T) {
	t.Parallel()
	const (
		f      = "spec.solver.dns01.webhook."
		path   = " names a file of the daemon's: give the content under the name without _FILE by secretEnv, or a Secret by secretFiles"
		around = " takes credentials of the daemon's surroundings, which this issuer may not use: leave it out, or allow that by --issuer-ambient-credentials or --cluster-issuer-ambient-credentials"
		own    = " is not for a provider: leave it out"
	)
	for _, row := range []struct{ provider, config, want string }{
		{"", `{}`, f + "solverName: it is empty: name a DNS provider as lego does, such as hetzner"},
		{"exec", `{}`, f + "solverName: exec is not served: it would run programs, or ask people, where the daemon is; use another provider, such as httpreq"},
		{"azure", `{}`, f + "solverName: azure is not served for this issuer: use azuredns, or the solver azureDNS"},
		{"x", `{"env":{"AWS_EC2_METADATA_DISABLED":"false"}}`, f + `config.env: "AWS_EC2_METADATA_DISABLED"` + around},
		{"x", `{"env":{"AZURE_AUTH_METHOD":"msi"}}`, f + `config.env: "AZURE_AUTH_METHOD"` + around},
		{"x", `{"env":{"AWS_CONTAINER_CREDENTIALS_FULL_URI":"http://169.254.170.23/v1/credentials"}}`, f + `config.env: "AWS_CONTAINER_CREDENTIALS_FULL_URI"` + around},
		{"x", `[]`, ""},
		{"x", `{"environment":{}}`, ""},
		{"x", `{"env":{"CF_API_TOKEN_FILE":"/var/run/secrets/kubernetes.io/serviceaccount/token"}}`, f + `config.env: "CF_API_TOKEN_FILE"` + path},
		{"x", `{"env":{"TRANSIP_PRIVATE_KEY_PATH":"/x"}}`, f + `config.env: "TRANSIP_PRIVATE_KEY_PATH"` + path},
		{"x", `{"env":{"GOOGLE_APPLICATION_CREDENTIALS":"/x"}}`, f + `config.env: "GOOGLE_APPLICATION_CREDENTIALS"` + path},
		{"x", `{"secretEnv":{"AKAMAI_EDGERC":{"name":"a","key":"b"}}}`, f + `config.secretEnv: "AKAMAI_EDGERC"` + path},
		{"x", `{"env":{"HOME":"/x"}}`, f + `config.env: "HOME"` + path},
		{"x", `{"env":{"LD_PRELOAD":"/x"}}`, f + `config.env: "LD_PRELOAD"` + own},
		{"x", `{"secretFiles":{"SSL_CERT_FILE":{"name":"a","key":"b"}}}`, f + `config.secretFiles: "SSL_CERT_FILE"` + own},
		{"x", `{"env":{"HTTPS_PROXY":"x"}}`, f + `config.env: "HTTPS_PROXY"` + own},
		{"x", `{"env":{"LEGO_DISABLE_CNAME_SUPPORT":"x"}}`, f + `config.env: "LEGO_DISABLE_CNAME_SUPPORT"` + own},
		{"x", `{"env":{"a=b":"x"}}`, f + `config.env: "a=b" is no environment variable of a provider: they are of the form ABC_DEF`},
		{"x", `{"env":{"A":"x"},"secretEnv":{"A":{"name":"a","key":"b"}}}`, f + "config: A is in both env and secretEnv: keep one"},
	} {
		_, err := lego.ParseConfig(row.provider, []byte(row.config), false)
		var fault *challenges.Fault
		if !errors.As(err, &fault) || row.want != "" && fault.Message != row.want || !strings.HasPrefix(fault.Message, f) {
			t.Errorf("%s %s\ngot  %v\nwant %s", row.provider, row.config, err, row.want)
		}
	}
}
