package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/certwright/certwright/internal/webhookset"
)

// loadSets reads a file with these sets, and returns them with all faults.
func loadSets(t *testing.T, text string) (Config, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.yaml")
	text = "apiVersion: certwright.dev/v1alpha1\nkind: Configuration\nwebhookCertificates:\n" + text
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var c Config
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	b := Bind(flags, &c)
	if err := flags.Parse([]string{"--config", path}); err != nil {
		t.Fatal(err)
	}
	_, err := b.Load(nil)
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		return c, strings.ReplaceAll(err.Error(), path, "FILE")
	}
	return c, ""
}

// TestPresetIsBTPManagers holds the preset against what BTP Manager does.
func TestPresetIsBTPManagers(t *testing.T) {
	c, faults := loadSets(t, "- preset: btp-manager\n")
	if faults != "" {
		t.Fatal(faults)
	}
	s := c.WebhookSets[0]
	dns, ips := s.Names()
	for what, pair := range map[string][2]string{
		"CA":     {s.CA.Name + s.CA.CertKey + s.CA.KeyKey, "ca-server-cert" + "ca.crt" + "ca.key"},
		"server": {s.Server.Name + s.Server.CertKey + s.Server.KeyKey, "webhook-server-cert" + "tls.crt" + "tls.key"},
		"where":  {s.Namespace, "kyma-system"},
		"names":  {strings.Join(dns, " "), "sap-btp-operator-webhook-service.kyma-system.svc sap-btp-operator-webhook-service.kyma-system"},
		"hooks": {strings.Join(slices.Concat(s.Mutating, s.Validating), " "),
			"sap-btp-operator-mutating-webhook-configuration sap-btp-operator-validating-webhook-configuration"},
		"label":   {s.Labels["app.kubernetes.io/managed-by"], "btp-manager"},
		"trigger": {s.Trigger.Group + s.Trigger.Version + s.Trigger.Kind, "operator.kyma-project.io" + "v1alpha1" + "BtpOperator"},
		"times":   {s.CADuration.String() + s.ServerDuration.String() + s.RenewBefore.Duration.String(), "87600h0m0s8760h0m0s168h0m0s"},
		"drift":   {string(s.OnBundleDrift), "recreate"},
		"key":     {s.Algorithm, "ECDSA"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
		}
	}
	if len(s.Labels) != 1 || len(ips) != 0 {
		t.Errorf("labels %v, addresses %v", s.Labels, ips)
	}
}

func TestEveryFieldOfASet(t *testing.T) {
	c, faults := loadSets(t, `
- name: shop
  namespace: shops
  caSecret: {name: a, certificateKey: b, keyKey: c, previousKey: d}
  serverSecret: {name: e, certificateKey: f, keyKey: g}
  service: hook
  dnsNames: [hook.example.com, 192.0.2.1]
  webhooks: {mutating: [m], validating: [v], selector: "app in (shop)"}
  caDuration: 100h
  serverDuration: 50h
  renewBefore: 20%
  key: {algorithm: RSA, size: 3072}
  onBundleDrift: restore
  trigger: {group: g.example.com, version: v2, kind: Shop, name: main}
  graceTime: 5m
  propagationTime: 3s
  probe: false
  labels: {app: shop}
`)
	if faults != "" {
		t.Fatal(faults)
	}
	s := c.WebhookSets[0]
	dns, ips := s.Names()
	if s.CA != (webhookset.Secret{Name: "a", CertKey: "b", KeyKey: "c"}) || s.PreviousKey != "d" || s.Server != (webhookset.Secret{Name: "e", CertKey: "f", KeyKey: "g"}) {
		t.Errorf("Secrets %v %v %v", s.CA, s.PreviousKey, s.Server)
	}
	if !slices.Equal(dns, []string{"hook.shops.svc", "hook.shops", "hook.example.com"}) || len(ips) != 1 {
		t.Errorf("names %v %v", dns, ips)
	}
	if s.RenewBefore.Of(50*time.Hour) != 10*time.Hour || s.GraceTime != 5*time.Minute || s.PropagationTime != 3*time.Second {
		t.Errorf("times %v", s)
	}
	if s.Algorithm != "RSA" || s.KeySize != 3072 || s.OnBundleDrift != "restore" || s.Probe || *s.Trigger != (webhookset.Trigger{Group: "g.example.com", Version: "v2", Kind: "Shop", Name: "main"}) {
		t.Errorf("%+v", s)
	}
	if !s.Nominates(webhookset.MutatingKind, "m") || !s.Nominates(webhookset.ValidatingKind, "v") || s.Nominates(webhookset.ValidatingKind, "m") || !s.Selects(map[string]string{"app": "shop"}) {
		t.Error("webhook configurations")
	}
}

// TestFaultsOfSets shows what somebody reads who wrote it wrong.
func TestFaultsOfSets(t *testing.T) {
	const good = "- {name: a, namespace: x, service: s, webhooks: {validating: [v]}"
	for name, row := range map[string]struct{ text, want string }{
		"no list":         {"  name: x", "FILE: webhookCertificates is not a list of sets; begin each with a dash"},
		"a text":          {"- x", "FILE: webhookCertificates[0]: "},
		"unknown keys":    {good + ", servce: s, key: {sise: 1}}", "FILE: webhookCertificates[0]: there is no \"key.sise\"; did you mean \"size\"?\nFILE: webhookCertificates[0]: there is no \"servce\"; did you mean \"service\"?"},
		"unknown preset":  {"- preset: btp-manger", "FILE: webhookCertificates[0]: preset: there is no \"btp-manger\"; did you mean \"btp-manager\"?; there is btp-manager"},
		"wrong type":      {good + ", graceTime: 3}", "FILE: webhookCertificates[0]: graceTime: a number is not a string; quotes make a text of it"},
		"no unit":         {good + ", graceTime: \"3\"}", "FILE: webhookCertificates[0]: graceTime: \"3\" is not a duration with its unit; write for example 8760h or 3m"},
		"no percentage":   {good + ", renewBefore: 100%}", "FILE: webhookCertificates[0]: renewBefore: \"100%\" is no share of a life; write 1% to 99%"},
		"no selector":     {"- {name: a, namespace: x, service: s, webhooks: {selector: \"a=(\"}}", "FILE: webhookCertificates[0]: webhooks.selector: "},
		"nothing said":    {"- {}", "webhookCertificates[0] (): name: "},
		"no names":        {"- {name: a, namespace: x, webhooks: {validating: [v]}}", "webhookCertificates[0] (a): service: neither it nor dnsNames is given; name the webhook's Service, or the names that the API server calls it by"},
		"no webhooks":     {"- {name: a, namespace: x, service: s}", "webhookCertificates[0] (a): webhooks: no webhook configuration is chosen; name some under mutating or validating, or give a selector"},
		"boundary":        {good + ", serverDuration: 100h}", "webhookCertificates[0] (a): renewBefore: 168h0m0s is not shorter than serverDuration (100h0m0s), so every certificate would be renewed at once; make it shorter"},
		"server outlives": {good + ", caDuration: 1000h}", "webhookCertificates[0] (a): serverDuration: 8760h0m0s is longer than caDuration (1000h0m0s); make it at most that"},
		"drift":           {good + ", onBundleDrift: ignore}", "webhookCertificates[0] (a): onBundleDrift: \"ignore\" is neither recreate nor restore"},
		"key":             {good + ", key: {algorithm: DSA}}", "webhookCertificates[0] (a): key.algorithm: \"DSA\" is neither ECDSA nor RSA"},
		"key size":        {good + ", key: {size: 1}}", "webhookCertificates[0] (a): key.size: 1 is no size for ECDSA; write one of [256 384 521]"},
		"one Secret":      {good + ", serverSecret: {name: ca-server-cert}}", "webhookCertificates[0] (a): serverSecret.name: \"ca-server-cert\" is also caSecret.name; give the two Secrets different names"},
		"shared Secrets": {good + "}\n- {name: b, namespace: x, service: s, webhooks: {validating: [w]}, serverSecret: {name: other}}",
			"webhookCertificates[1] (b): Secret x/ca-server-cert belongs to set \"a\" already; give each set its own"},
		"shared webhook": {good + "}\n- {name: b, namespace: z, service: s, webhooks: {validating: [v]}}",
			"webhookCertificates[1] (b): ValidatingWebhookConfiguration v belongs to set \"a\" already; give each set its own"},
		"our label": {good + ", labels: {certwright.dev/x: z}}", "webhookCertificates[0] (a): labels: \"certwright.dev/x\" is one of certwright's own; choose another prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := loadSets(t, row.text+"\n")
			if got == "" || !strings.HasPrefix(got, row.want) || strings.HasSuffix(row.want, "d") && got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

func TestSetOutsideTheNamespacesServed(t *testing.T) {
	c, faults := loadSets(t, "- preset: btp-manager\n")
	if faults != "" || !c.Runs(WebhookCertificates) || Default().Runs(WebhookCertificates) {
		t.Error(faults)
	}
	c.Namespaces = []string{"shop"}
	want := `webhookCertificates[0] (btp-manager): namespace: "kyma-system" is not served; add it to --namespace`
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}
