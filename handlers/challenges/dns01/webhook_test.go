package dns01_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
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
	for _, row := range []struct {
		status int
		body   string
		fault  bool
		want   string
	}{
		{http.StatusOK, `{"response":{"success":false,"status":{"status":"Failure","reason":"InternalError","message":"no such\n zone"}}}`, false, "the webhook acme.example.com/mine: InternalError: no such zone"},
		{http.StatusInternalServerError, `{"response":{"success":false,"status":{"message":"out of luck"}}}`, false, "the webhook acme.example.com/mine: out of luck"},
		{http.StatusOK, `{"response":{"success":false}}`, false, "the webhook acme.example.com/mine: no reason given"},
		{http.StatusOK, `{}`, true, f + "what is served as acme.example.com/mine is no solver: its answer has no response; correct groupName and solverName"},
		{http.StatusNotFound, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"the server could not find the requested resource"}`, true,
			f + "the API server serves no solver acme.example.com/v1alpha1 mine: install the webhook, or correct groupName and solverName"},
		{http.StatusForbidden, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"mine.acme.example.com is forbidden"}`, true,
			f + "the daemon may not use the webhook: bind its service account to a ClusterRole with the verb create on the resource mine of the group acme.example.com"},
		{http.StatusServiceUnavailable, "service unavailable", true,
			f + "the API server cannot reach the webhook: see why by `kubectl describe apiservice v1alpha1.acme.example.com`, and whether its pods run"},
	} {
		w := newWorld(t)
		behind(t, w, func(rw http.ResponseWriter, _ *http.Request) {
			if strings.HasPrefix(row.body, "{") {
				rw.Header().Set("Content-Type", "application/json")
			}
			rw.WriteHeader(row.status)
			_, _ = rw.Write([]byte(row.body))
		})
		says(t, w.solver.Present(t.Context(), task("example.test", "v", remote(""))), row.fault, row.want)
	}
}
