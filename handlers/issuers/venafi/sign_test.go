package venafi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers/venafi/venafitest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
)

// servers are the three kinds, with the ways to log in that each has.
func (s standin) servers() map[string][]runtime.Object {
	return map[string][]runtime.Object{
		"TPP, access token":           issuer(s.tpp(), map[string]string{"access-token": venafitest.AccessToken}),
		"TPP, user name and password": issuer(s.tpp(), userPassword),
		"Cloud, API key":              issuer(s.cloud(), map[string]string{"api-key": venafitest.APIKey}),
		"NGTS, client":                issuer(s.ngts(), map[string]string{"client-id": "me", "client-secret": venafitest.ClientSecret}),
	}
}

func TestIssued(t *testing.T) {
	t.Parallel()
	for name := range (standin{}).names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandin(t)
			w := newWorld(t, append(s.servers()[name], web("pending.example.com"))...)
			if c := w.ready(t); c.Status != "True" || c.Message != "Certificate Manager issuer started" {
				t.Fatalf("got %+v, want True", c)
			}
			for range 3 {
				w.Settle()
				w.Wait(time.Minute)
			}
			stored := w.Secret("web-tls")
			if stored == nil {
				t.Fatal(w.outcome(t))
			}
			if leaf := handlertest.Leaf(t, stored.Data["tls.crt"]); leaf.Subject.CommonName != "pending.example.com" {
				t.Errorf("issued: %s", leaf.Subject)
			}
			if n := strings.Count(string(stored.Data["tls.crt"]), "BEGIN"); n != 1 {
				t.Errorf("tls.crt has %d certificates, want the leaf alone: the root is in ca.crt", n)
			}
			if ca := handlertest.Leaf(t, stored.Data["ca.crt"]); ca.Subject.CommonName != "Venafi stand-in CA" {
				t.Errorf("ca.crt: %s", ca.Subject)
			}
			logins, taken, issued := s.Counts()
			if logins > 1 || taken != 1 || issued != 1 {
				t.Errorf("%d logins, %d requests and %d certificates, want one of each at most", logins, taken, issued)
			}
			if w.meters.calls["request_certificate"] != 1 || w.meters.calls["retrieve_certificate"] < 3 || w.meters.calls["read_zone_configuration"] == 0 {
				t.Errorf("measured: %v", w.meters.calls)
			}
		})
	}
}

// names of the servers, to make each subtest its own.
func (standin) names() map[string]bool {
	return map[string]bool{"TPP, access token": true, "TPP, user name and password": true, "Cloud, API key": true, "NGTS, client": true}
}

// What a server makes of a request, in the words of its user.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		tpp, cloud string // parts of the message
		reason     string
	}{
		"approval.example.com": {"has the request and has not issued it yet (Certificate waiting for approval): approve it there",
			"has not issued it yet (PENDING_APPROVAL)", "Pending"},
		"rejected.example.com": {"The approver has turned the request down", "the request was not approved (REJECTED_APPROVAL)", "Failed"},
		"refused.example.com": {`refuses the request in zone "Certificates\\web": HTTP 400: the certificate authority does not issue for that name`,
			"the certificate authority does not issue for that name: ask for what the zone allows", "Failed"},
		"web.example.org":   {`the policy of zone "Certificates\\web" refuses the request:`, `the policy of zone "shop\\web" refuses the request:`, "Failed"},
		"other.example.com": {"for another request", "for another request", "Failed"},
	} {
		for _, kind := range []string{"TPP, user name and password", "Cloud, API key"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				s := newStandin(t)
				w := newWorld(t, append(s.servers()[kind], web(name))...)
				w.Settle()
				want := r.tpp
				if strings.HasPrefix(kind, "Cloud") {
					want = r.cloud
				}
				if _, reason, message := w.outcome(t); reason != r.reason || !strings.Contains(message, want) {
					t.Errorf("got %s %q, want %s %q", reason, message, r.reason, want)
				}
				if r.reason != "Pending" {
					return
				}
				for _, after := range []time.Duration{2 * time.Second, 15 * time.Second, time.Minute} {
					w.Forget()
					if result, err := w.Handle(w.requestKey()); err != nil || result.After != after {
						t.Errorf("looks again after %s, %v, want %s", result.After, err, after)
					}
					w.Wrote()
					w.Wait(map[time.Duration]time.Duration{2 * time.Second: time.Minute, 15 * time.Second: time.Hour, time.Minute: 0}[after])
				}
				s.Approve()
				w.Settle()
				if w.Secret("web-tls") == nil {
					t.Error("approved: nothing was issued")
				}
				if _, taken, _ := s.Counts(); taken != 1 {
					t.Errorf("%d requests were made, want 1", taken)
				}
			})
		}
	}
}

// Fields of the issuer and of the request go to the server together.
func TestCustomFields(t *testing.T) {
	t.Parallel()
	const name = cmapi.VenafiCustomFieldsAnnotationKey
	note := func(text string) func(*cmapi.Certificate) {
		return func(crt *cmapi.Certificate) { crt.Annotations = map[string]string{name: text} }
	}
	for text, want := range map[string]string{
		`[{"name": "team", "value": "web"}, {"name": "cost", "value": "1", "type": "Plain"}]`: "",
		`{"name": "team"}`:               "it is no list of fields in JSON: write it as [{",
		`[{"value": "web"}]`:             "entry 1 has no name",
		`[{"name": "a", "type": "Odd"}]`: `entry 1 has the type "Odd": write Plain`,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			s := newStandin(t)
			objects := issuer(s.tpp(), userPassword)
			objects[0].(*cmapi.Issuer).Annotations = map[string]string{name: `[{"name": "team", "value": "all"}, {"name": "region", "value": "eu"}]`}
			w := newWorld(t, append(objects, web("web.example.com", note(text)))...)
			w.Settle()
			if want != "" {
				if _, reason, message := w.outcome(t); reason != "Failed" || !strings.Contains(message, "metadata.annotations["+name+"]") || !strings.Contains(message, want) {
					t.Errorf("got %s %q, want Failed %q", reason, message, want)
				}
				return
			}
			if diff := cmp.Diff(map[string][]string{"team": {"web"}, "cost": {"1"}, "region": {"eu"}}, s.Fields("web.example.com")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A server that is away is waited for; tokens that have ended are got anew.
func TestComings(t *testing.T) {
	t.Parallel()
	for name := range (standin{}).names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandin(t)
			w := newWorld(t, append(s.servers()[name], web("web.example.com"))...)
			w.ready(t)
			s.Down(true)
			w.Settle()
			if c := w.ready(t); c.Status != "False" || !strings.Contains(c.Message, "the server cannot work now (HTTP 503)") {
				t.Errorf("down: got %+v", c)
			}
			if _, reason, _ := w.outcome(t); reason != "Pending" {
				t.Errorf("down: got %s, want Pending", reason)
			}
			s.Down(false)
			s.Expire()
			c := w.ready(t)
			if name == "TPP, access token" {
				if c.Reason != "AuthFailed" || !strings.Contains(c.Message, "spec.venafi.tpp.credentialsRef: the server does not take the credentials in Secret team/venafi") {
					t.Errorf("with an access token that has ended: %+v", c)
				}
				return
			}
			if c.Status != "True" {
				t.Errorf("back, with tokens that have ended: %+v", c)
			}
			w.Settle()
			if w.Secret("web-tls") == nil {
				t.Error(w.outcome(t))
			}
			if _, taken, _ := s.Counts(); taken != 1 {
				t.Errorf("%d requests were made, want 1", taken)
			}
		})
	}
}

// A request that was taken is not made again when it cannot be noted at once.
func TestAPickupIDIsNotLost(t *testing.T) {
	t.Parallel()
	s := newStandin(t)
	w := newWorld(t, append(issuer(s.tpp(), userPassword), web("web.example.com"))...)
	for n := range 12 {
		w.Fail(n, handlertest.Lost)
		w.Settle()
		w.Mend()
	}
	w.Settle()
	if w.Secret("web-tls") == nil {
		t.Error(w.outcome(t))
	}
	if _, taken, _ := s.Counts(); taken != len(w.Requests()) {
		t.Errorf("%d requests were made for %d", taken, len(w.Requests()))
	}
}

// Each fault of an issuer has its words, which name the field and the remedy.
func TestFaultsOfAnIssuer(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		objects func(standin) []runtime.Object
		reason  string
		want    string
	}{
		"no Secret": {func(s standin) []runtime.Object { return issuer(s.tpp(), nil)[:1] }, "ErrorSetup",
			"spec.venafi.tpp.credentialsRef: Secret team/venafi does not exist: create it with access-token, or username and password"},
		"no credentials": {func(s standin) []runtime.Object { return issuer(s.tpp(), map[string]string{"username": "x"}) }, "ErrorSetup",
			"spec.venafi.tpp.credentialsRef: Secret team/venafi has no credentials: put access-token"},
		"a wrong password": {func(s standin) []runtime.Object {
			return issuer(s.tpp(), map[string]string{"username": venafitest.User, "password": "standin-wrong"})
		}, "AuthFailed", "the server does not take the credentials in Secret team/venafi (HTTP 401: invalid_grant; Username/password combination not valid)"},
		"a wrong token": {func(s standin) []runtime.Object {
			return issuer(s.tpp(), map[string]string{"access-token": "standin-wrong"})
		},
			"AuthFailed", "The access token is invalid or has expired"},
		"a wrong key": {func(s standin) []runtime.Object {
			return issuer(s.cloud(), map[string]string{"api-key": "standin-wrong"})
		},
			"AuthFailed", "spec.venafi.cloud.apiTokenSecretRef: the server does not take the credentials in Secret team/venafi (HTTP 401: the API key is not valid)"},
		"no key": {func(s standin) []runtime.Object { return issuer(s.cloud(), map[string]string{"other": "x"}) },
			"ErrorSetup", "has nothing under the key api-key"},
		"a wrong client": {func(s standin) []runtime.Object {
			return issuer(s.ngts(), map[string]string{"client-id": "me", "client-secret": "standin-wrong"})
		}, "AuthFailed", "spec.venafi.ngts.credentialsRef: the server does not take the credentials"},
		"no zone": {func(s standin) []runtime.Object {
			spec := s.tpp()
			spec.Zone = `Certificates\none`
			return issuer(spec, userPassword)
		}, "ErrorSetup", `spec.venafi.zone: the server does not know "Certificates\\none": check the zone`},
		"no template": {func(s standin) []runtime.Object {
			spec := s.cloud()
			spec.Zone = `shop\none`
			return issuer(spec, map[string]string{"api-key": venafitest.APIKey})
		}, "ErrorSetup", "spec.venafi"},
		"unknown CA": {func(s standin) []runtime.Object {
			spec := s.tpp()
			spec.TPP.CABundle = handlertest.NewAuthority(t, "Other").PEM
			return issuer(spec, userPassword)
		}, "ErrorSetup", "spec.venafi.tpp.caBundle: the certificate of https://127.0.0.1:"},
		"no address": {func(s standin) []runtime.Object {
			spec := s.tpp()
			spec.TPP.URL = "https://a b"
			return issuer(spec, userPassword)
		}, "ErrorSetup", `spec.venafi.tpp.url: "https://a b" cannot be used`},
		"nothing there": {func(s standin) []runtime.Object {
			s.http.Close()
			return issuer(s.tpp(), userPassword)
		}, "ErrorSetup", "spec.venafi.tpp.url: nothing listens at https://127.0.0.1:"},
		"bad custom fields": {func(s standin) []runtime.Object {
			o := issuer(s.tpp(), userPassword)
			o[0].(*cmapi.Issuer).Annotations = map[string]string{cmapi.VenafiCustomFieldsAnnotationKey: "x"}
			return o
		}, "ErrorSetup", "of the issuer: metadata.annotations[venafi.cert-manager.io/custom-fields]: it is no list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandin(t)
			w := newWorld(t, r.objects(s)...)
			c := w.ready(t)
			if c.Status != "False" || c.Reason != r.reason || !strings.Contains(c.Message, r.want) {
				t.Errorf("got %s %s %q, want False %s %q", c.Status, c.Reason, c.Message, r.reason, r.want)
			}
			w.Forget()
			if result, err := w.Handle(handlertest.IssuerKey("ca")); err != nil || result.After == 0 {
				t.Errorf("again: got After %s, %v", result.After, err)
			}
			w.Wrote()
		})
	}
}
