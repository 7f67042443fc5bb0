package monitoring

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

// trial is what an alert is tried on: series in Prometheus' notation, one value
// a minute from 1970 on, for which it fires at the end of the time, and others,
// much like them, for which it does not.
type trial struct {
	after         time.Duration
	fires, silent string
}

const (
	crt = `{namespace="shop",name="web"}`
	day = 24 * time.Hour
)

// Certificates' times are seconds since 1970, when the trials begin: one that
// is renewed at 4000 and ends at 8000 is overdue from 5000 on, and fails from
// 7000 on.
var trials = map[string]trial{
	"CertwrightCertificateExpired": {time.Hour,
		`certmanager_certificate_expiration_timestamp_seconds` + crt + ` 3000x60`,
		`certmanager_certificate_expiration_timestamp_seconds` + crt + ` 0x60`},
	"CertwrightRenewalOverdue": {100 * time.Minute,
		`certmanager_certificate_renewal_timestamp_seconds` + crt + ` 4000x100
		 certmanager_certificate_expiration_timestamp_seconds` + crt + ` 8000x100`,
		`certmanager_certificate_renewal_timestamp_seconds` + crt + ` 5500x100
		 certmanager_certificate_expiration_timestamp_seconds` + crt + ` 9500x100`},
	"CertwrightRenewalFailing": {130 * time.Minute,
		`certmanager_certificate_renewal_timestamp_seconds` + crt + ` 4000x130
		 certmanager_certificate_expiration_timestamp_seconds` + crt + ` 8000x130`,
		`certmanager_certificate_renewal_timestamp_seconds` + crt + ` 5500x130
		 certmanager_certificate_expiration_timestamp_seconds` + crt + ` 9500x130`},
	"CertwrightExpiresWithoutRenewal": {time.Hour,
		`certmanager_certificate_renewal_timestamp_seconds` + crt + ` 0x60
		 certmanager_certificate_expiration_timestamp_seconds` + crt + ` 500000x60`,
		`certmanager_certificate_renewal_timestamp_seconds` + crt + ` 400000x60
		 certmanager_certificate_expiration_timestamp_seconds` + crt + ` 500000x60`},
	"CertwrightCertificateNotReady": {2 * time.Hour,
		`certmanager_certificate_ready_status{namespace="shop",name="web",condition="True",issuer_name="ca",issuer_kind="Issuer"} 0x120`,
		`certmanager_certificate_ready_status{namespace="shop",name="web",condition="True",issuer_name="ca",issuer_kind="Issuer"} 0x80 1 0x40
		 certmanager_certificate_ready_status{namespace="shop",name="web",condition="False",issuer_name="ca",issuer_kind="Issuer"} 0x120`},
	"CertwrightIssuerNotReady": {time.Hour,
		`certwright_issuer_not_ready{kind="Issuer",namespace="shop",name="le",type="acme",reason="ErrRegisterACMEAccount"} 1x60`,
		`certwright_issuer_not_ready{kind="Issuer",namespace="shop",name="le",type="acme",reason="ErrRegisterACMEAccount"} 1x50 _x10`},
	"CertwrightCAExpiresSoon": {3 * time.Hour,
		`certwright_issuer_ca_not_after_timestamp_seconds{kind="Issuer",namespace="shop",name="ca"} 2500000x180`,
		`certwright_issuer_ca_not_after_timestamp_seconds{kind="Issuer",namespace="shop",name="ca"} 2700000x180`},
	"CertwrightAccountPaused": {time.Hour,
		`certwright_acme_account_paused_until_timestamp_seconds{kind="Issuer",namespace="shop",name="le"} 9000x60`,
		`certwright_acme_account_paused_until_timestamp_seconds{kind="Issuer",namespace="shop",name="le"} 600x10 _x50`},
	"CertwrightACMERequestsFail": {time.Hour,
		`certmanager_http_acme_client_request_count{host="acme.test",status="429"} 0+5x60
		 certmanager_http_acme_client_request_count{host="acme.test",status="200"} 0+5x60`,
		`certmanager_http_acme_client_request_count{host="acme.test",status="429"} 0+1x60
		 certmanager_http_acme_client_request_count{host="acme.test",status="200"} 0+9x60`},
	"CertwrightChallengesStuck": {time.Hour,
		`certwright_challenges_stuck{type="DNS-01"} 2x60`, `certwright_challenges_stuck{type="DNS-01"} 0x60`},
	"CertwrightChallengePlacesTaken": {2 * time.Hour,
		"certwright_challenge_places 60x120\ncertwright_challenge_places_limit 60x120\ncertwright_challenges_waiting 5x120",
		"certwright_challenge_places 60x120\ncertwright_challenge_places_limit 60x120\ncertwright_challenges_waiting 0x120"},
	"CertwrightDown": {time.Hour, `up 1x60`, `certwright_build_info{version="v1"} 1x60`},
	"CertwrightNoLeader": {time.Hour,
		"certwright_leader{pod=\"a\"} 0x60\ncertwright_leader{pod=\"b\"} 0x60", "certwright_leader{pod=\"a\"} 0x60\ncertwright_leader{pod=\"b\"} 1x60"},
	"CertwrightShardsIdle": {time.Hour,
		"certwright_shards_held{pod=\"a\"} 4x60\ncertwright_shards_held{pod=\"b\"} 3x60\ncertwright_shards{pod=\"a\"} 8x60\ncertwright_shards{pod=\"b\"} 8x60",
		"certwright_shards_held{pod=\"a\"} 4x60\ncertwright_shards_held{pod=\"b\"} 4x60\ncertwright_shards{pod=\"a\"} 8x60\ncertwright_shards{pod=\"b\"} 8x60"},
	"CertwrightQueueNotDraining": {time.Hour,
		`certwright_queue_depth{kind="certificate"} 500x60`, `certwright_queue_depth{kind="certificate"} 500x40 0 500x20`},
	"CertwrightHandlerHangs": {time.Hour,
		`certwright_queue_longest_running_seconds{kind="order"} 0+60x60`, `certwright_queue_longest_running_seconds{kind="order"} 300x60`},
	"CertwrightErrorsRising": {time.Hour,
		"certmanager_controller_sync_error_count{controller=\"issuers\"} 0+8x60\ncertmanager_controller_sync_call_count{controller=\"issuers\"} 0+10x60",
		"certmanager_controller_sync_error_count{controller=\"issuers\"} 0+8x60\ncertmanager_controller_sync_call_count{controller=\"issuers\"} 0+100x60"},
	"CertwrightPanics": {time.Hour,
		`certwright_queue_panics_total{kind="order"} 0x30 1x30`, `certwright_queue_panics_total{kind="order"} 3x60`},
	"CertwrightAPIRequestsFail": {time.Hour,
		"certwright_api_requests_total{verb=\"get\",resource=\"secrets\",code=\"0\"} 0+5x60\ncertwright_api_requests_total{verb=\"get\",resource=\"secrets\",code=\"200\"} 0+9x60",
		"certwright_api_requests_total{verb=\"get\",resource=\"secrets\",code=\"404\"} 0+5x60\ncertwright_api_requests_total{verb=\"get\",resource=\"secrets\",code=\"200\"} 0+9x60"},
	"CertwrightForbidden": {time.Hour,
		`certwright_api_requests_total{verb="create",resource="secrets",code="403"} 0+1x60`, `certwright_api_requests_total{verb="create",resource="secrets",code="403"} 3x60`},
	"CertwrightClockSkew": {time.Hour,
		`certwright_api_server_clock_skew_seconds -3600x60`, `certwright_api_server_clock_skew_seconds -5x60`},
	"CertwrightWebhookRotationStuck": {8 * time.Hour,
		`certwright_webhook_rotation_phase{set="hooks",phase="Spreading"} 1x480`,
		"certwright_webhook_rotation_phase{set=\"hooks\",phase=\"Steady\"} 1x480\ncertwright_webhook_rotation_phase{set=\"hooks\",phase=\"Spreading\"} 0x480"},
	"CertwrightWebhookCertificateExpiresSoon": {3 * time.Hour,
		"certwright_webhook_ca_not_after_timestamp_seconds{set=\"hooks\"} 9000000x180\ncertwright_webhook_leaf_not_after_timestamp_seconds{set=\"hooks\"} 100000x180",
		"certwright_webhook_ca_not_after_timestamp_seconds{set=\"hooks\"} 9000000x180\ncertwright_webhook_leaf_not_after_timestamp_seconds{set=\"hooks\"} 600000x180"},
	"CertwrightBundleQuarrel": {time.Hour,
		`certwright_events_total{type="Warning",reason="CABundleContested"} 0+1x60`, `certwright_events_total{type="Normal",reason="CABundleInjected"} 0+1x60`},
}

// Each alert fires when it should, and not otherwise, nor sooner than it says.
func TestAlerts(t *testing.T) {
	all := alerts(t)
	for name := range trials {
		if _, ok := all[name]; !ok {
			t.Errorf("%s is tried, and is no alert", name)
		}
	}
	for name, a := range all {
		t.Run(name, func(t *testing.T) {
			trial, ok := trials[name]
			if !ok {
				t.Fatal("nothing tries it: write a row of trials")
			}
			if len(firing(t, a, trial.fires, trial.after)) == 0 {
				t.Error("it does not fire")
			}
			if got := firing(t, a, trial.silent, trial.after); len(got) > 0 {
				t.Errorf("it fires where it should not: %v", got[0].Labels)
			}
			if a.duration(t) > time.Minute && len(firing(t, a, trial.fires, a.duration(t)-time.Minute)) > 0 {
				t.Errorf("it fires before %s have passed", a.For)
			}
		})
	}
}

var promParser = parser.NewParser(parser.Options{})

// firing evaluates an alert each minute, and returns what fires in the end.
func firing(t *testing.T, a alert, series string, after time.Duration) (fire []*rules.Alert) {
	t.Helper()
	storage := promqltest.LoadedStorage(t, "load 1m\n"+indent(series))
	defer func() { _ = storage.Close() }()
	engine := newEngine(t)
	expr, err := promParser.ParseExpr(a.Expr)
	if err != nil {
		t.Fatal(err)
	}
	rule := rules.NewAlertingRule(a.Alert, expr, a.duration(t), 0, labels.FromMap(a.Labels), labels.FromMap(a.Annotations), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
	query := rules.EngineQueryFunc(engine, storage)
	for at := time.Duration(0); at <= after; at += time.Minute {
		if _, err := rule.Eval(context.Background(), 0, time.Unix(0, 0).Add(at), query, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	rule.ForEachActiveAlert(func(active *rules.Alert) {
		if active.State == rules.StateFiring {
			fire = append(fire, active)
		}
	})
	return fire
}

func newEngine(t *testing.T) *promql.Engine {
	return promqltest.NewTestEngine(t, false, 5*time.Minute, 1_000_000)
}
