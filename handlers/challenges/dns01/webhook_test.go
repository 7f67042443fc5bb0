package dns01_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// behind has the solver's webhooks answered by an API server of the test's.
func behind(t *testing.T, w *world, answer http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	client, err := rest.UnversionedRESTClientFor(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{NegotiatedSerializer: scheme.Codecs.WithoutConversion()}})
	if err != nil {
		t.Fatal(err)
	}
	w.solver.API = client
}

func remote(config string) *cmacme.ACMEChallengeSolverDNS01 {
	w := &cmacme.ACMEIssuerDNS01ProviderWebhook{GroupName: "acme.example.com", SolverName: "mine"}
	if config != "" {
		w.Config = &apiextensionsv1.JSON{Raw: []byte(config)}
	}
	return &cmacme.ACMEChallengeSolverDNS01{CNAMEStrategy: cmacme.FollowStrategy, Webhook: w}
}

func TestWebhookRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.dns.Add("_acme-challenge.www.example.test. 60 IN CNAME there.other.test.")
	var got map[string]any
	var path string
	behind(t, w, func(rw http.ResponseWriter, r *http.Request) {
		path = r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type")
		_ = json.NewDecoder(r.Body).Decode(&got)
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusCreated)
		_, _ = rw.Write([]byte(`{"kind":"ChallengePayload","apiVersion":"webhook.acme.cert-manager.io/v1alpha1","response":{"uid":"x","success":true}}`))
	})
	for action, act := range map[string]func() error{
		"Present": func() error {
			return w.solver.Present(t.Context(), task("www.example.test", "v", remote(`{"a": {"b": 1}}`)))
		},
		"CleanUp": func() error {
			return w.solver.Remove(t.Context(), task("www.example.test", "v", remote(`{"a": {"b": 1}}`)))
		},
	} {
		if err := act(); err != nil {
			t.Fatal(err)
		}
		if path != "POST /apis/acme.example.com/v1alpha1/mine application/json" {
			t.Error(path)
		}
		request, _ := got["request"].(map[string]any)
		if uid, _ := request["uid"].(string); len(uid) != 36 {
			t.Errorf("uid %q", uid)
		}
		delete(request, "uid")
		want := `{"apiVersion":"webhook.acme.cert-manager.io/v1alpha1","kind":"ChallengePayload","request":{"action":"` + action +
			`","allowAmbientCredentials":false,"config":{"a":{"b":1}},"dnsName":"www.example.test","key":"v","resolvedFQDN":"there.other.test.","resolvedZone":"other.test.","resourceNamespace":"shop","type":"dns-01"}}`
		if text, _ := json.Marshal(got); string(text) != want {
			t.Errorf("got  %s\nwant %s", text, want)
		}
	}
}

func TestWebhookFailures(t *testing.T) {
	t.Parallel()
	const f = "spec.solver.dns01.webhook: "
	const allow = ", which webhooks mostly allow cert-manager's service account only; allow it: " +
		"`kubectl create clusterrole certwright-mine.acme.example.com --verb=create --resource=mine.acme.example.com` and " +
		"`kubectl create clusterrolebinding certwright-mine.acme.example.com --clusterrole=certwright-mine.acme.example.com "
	const notFound = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"the server could not find the requested resource"}`
	forbidden := func(user string) string {
		return `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"mine.acme.example.com is forbidden: ` +
			`User \"` + user + `\" cannot create resource \"mine\" in API group \"acme.example.com\" at the cluster scope"}`
	}
	for _, row := range []struct {
		status int
		body   string
		served string // discovery's answer; empty is that there is no such group
		fault  bool
		want   string
	}{
		{http.StatusOK, `{"response":{"success":false,"status":{"status":"Failure","reason":"InternalError","message":"no such\n zone"}}}`, serving, false,
			"the webhook acme.example.com/mine: InternalError: no such zone"},
		{http.StatusInternalServerError, `{"response":{"success":false,"status":{"message":"out of luck"}}}`, serving, false, "the webhook acme.example.com/mine: out of luck"},
		{http.StatusOK, `{"response":{"success":false}}`, serving, false, "the webhook acme.example.com/mine: no reason given"},
		{http.StatusOK, `{"response":{"success":false,"status":{"status":"Failure"}}}`, serving, false, "the webhook acme.example.com/mine: no reason given"},
		{http.StatusOK, `{}`, serving, true, f + "what is served as acme.example.com/mine is no solver: its answer has no response; correct groupName and solverName"},
		{http.StatusNotFound, notFound, serving, true, f + "the API server serves no solver acme.example.com/v1alpha1 mine: install the webhook, or correct groupName and solverName"},
		{http.StatusNotFound, notFound, "", true, f + "the API server serves no API group acme.example.com in version v1alpha1: install the webhook, or correct groupName"},
		{http.StatusNotFound, notFound, `{"resources":[{"name":"yours"},{"name":"theirs"}]}`, true,
			f + "the webhook acme.example.com has no solver mine, but theirs, yours: correct solverName"},
		{http.StatusForbidden, forbidden("system:serviceaccount:cert-manager:certwright"), serving, true,
			f + "system:serviceaccount:cert-manager:certwright may not create mine in the API group acme.example.com" + allow + "--serviceaccount=cert-manager:certwright`"},
		{http.StatusForbidden, forbidden("certwright@outside"), "no JSON", true,
			f + "certwright@outside may not create mine in the API group acme.example.com" + allow + "--user=certwright@outside`"},
		{http.StatusForbidden, "no", serving, true, f + "the daemon may not create mine in the API group acme.example.com" + allow + "--user=<the daemon's user>`"},
		{http.StatusForbidden, forbidden("certwright@outside"), "", true, f + "the API server serves no API group acme.example.com in version v1alpha1: install the webhook, or correct groupName"},
		{http.StatusServiceUnavailable, "service unavailable", serving, false,
			f + "the API server cannot reach the webhook: see why by `kubectl describe apiservice v1alpha1.acme.example.com`, and whether its pods run"},
	} {
		w := newWorld(t)
		behind(t, w, func(rw http.ResponseWriter, r *http.Request) {
			status, body := row.status, row.body
			if r.Method == http.MethodGet {
				status, body = discovered(r, row.served)
			}
			if strings.HasPrefix(body, "{") {
				rw.Header().Set("Content-Type", "application/json")
			}
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(body))
		})
		says(t, w.solver.Present(t.Context(), task("example.test", "v", remote(""))), row.fault, row.want)
	}
}

// serving is what the API server says of a group with the solver.
const serving = `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"acme.example.com/v1alpha1","resources":[{"name":"mine","kind":"ChallengePayload","verbs":["create"]}]}`

func discovered(r *http.Request, served string) (int, string) {
	if served == "" || r.URL.Path != "/apis/acme.example.com/v1alpha1" {
		return http.StatusNotFound, "404 page not found"
	}
	return http.StatusOK, served
}

// A webhook that says no, or does not run, is waited for, unless the record was
// never made and nobody sees it.
func TestWebhookThatCannotRemove(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status int
		body   string
	}{
		"says no": {http.StatusOK, `{"response":{"success":false,"status":{"message":"out of luck"}}}`},
		"is away": {http.StatusServiceUnavailable, "service unavailable"},
	} {
		w := newWorld(t)
		behind(t, w, func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(row.status)
			_, _ = rw.Write([]byte(row.body))
		})
		unmade := task("example.test", "v", remote(""))
		if err := w.solver.Remove(t.Context(), unmade); err != nil {
			t.Errorf("%s, the record was never made: %v", name, err)
		}
		made := task("example.test", "v", remote(""))
		made.Challenge.Status.PresentedAt = &metav1.Time{Time: time.Now()}
		if err := w.solver.Remove(t.Context(), made); err == nil {
			t.Errorf("%s: a record that was made is forgotten", name)
		}
		w.dns.Add("_acme-challenge.example.test. 60 IN TXT v")
		if err := w.solver.Remove(t.Context(), unmade); err == nil {
			t.Errorf("%s: a record that is there is forgotten", name)
		}
	}
}
