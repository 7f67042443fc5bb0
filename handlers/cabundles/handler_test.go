package cabundles

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/quarrel"
	"github.com/certwright/certwright/queue"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The four kinds, each with what surrounds a bundle.
const (
	webhooks = `{"webhooks":[{"name":"a","clientConfig":{"service":{"name":"web"}}},{"name":"b","clientConfig":{"url":"https://web"}}]}`
	service  = `{"spec":{"service":{"name":"web"},"group":"shop"}}`
	resource = `{"spec":{"versions":[{"schema":{"deep":[1,2,{"caBundle":"no"}]}}],"conversion":{"strategy":"Webhook","webhook":{"clientConfig":{"service":{"name":"web"}}}}}}`
)

const (
	fromCertificate = "cert-manager.io/inject-ca-from"
	fromSecret      = "cert-manager.io/inject-ca-from-secret"
	fromAPIServer   = "cert-manager.io/inject-apiserver-ca"
	injected        = "Normal CABundleInjected: The CA of Certificate shop/web is in the CA bundle (cert-manager.io/inject-ca-from)"
)

func asked(annotation, value string) map[string]string { return map[string]string{annotation: value} }

func TestEveryKindGetsItsBundles(t *testing.T) {
	t.Parallel()
	for kind, row := range map[queue.Kind]struct {
		object string
		places int
	}{
		queue.MutatingWebhook: {webhooks, 2}, queue.ValidatingWebhook: {webhooks, 2},
		queue.APIService: {service, 1}, queue.CustomResource: {resource, 1},
	} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			ca := authority(t, "a", time.Hour)
			w := newWorld(t, kind, row.object, asked(fromCertificate, "shop/web"))
			w.certificate(ca)
			if result := w.handle(); result.After != time.Hour {
				t.Errorf("it is to be looked at again after %s, want when the CA expires", result.After)
			}
			w.expect(1, 1, injected)
			got := w.bundles()
			if len(got) != row.places {
				t.Errorf("%d bundles, want %d", len(got), row.places)
			}
			for _, b := range got {
				if b != string(ca) {
					t.Errorf("got %q", b)
				}
			}
			w.rest()
		})
	}
}

func TestNothingToCarryABundle(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		kind   queue.Kind
		object string
		event  string
	}{
		"no webhooks":      {queue.MutatingWebhook, `{}`, ""},
		"local APIService": {queue.APIService, `{"spec":{"group":"apps"}}`, ""},
		"insecure":         {queue.APIService, `{"spec":{"service":{},"insecureSkipTLSVerify":true}}`, "Warning CannotCarryBundle: spec.insecureSkipTLSVerify: it is true"},
		"no conversion":    {queue.CustomResource, `{"spec":{}}`, ""},
		"conversion None":  {queue.CustomResource, `{"spec":{"conversion":{"strategy":"None"}}}`, ""},
		"no client config": {queue.CustomResource, `{"spec":{"conversion":{"strategy":"Webhook","webhook":{}}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, row.kind, row.object, asked(fromCertificate, "shop/web"))
			w.certificate(authority(t, "a", time.Hour))
			w.handle()
			if w.writes > 0 || len(w.events) > 1 || !strings.HasPrefix(strings.Join(w.events, ""), row.event) || row.event == "" && len(w.events) > 0 {
				t.Errorf("%d writes, events %q, want %q", w.writes, w.events, row.event)
			}
		})
	}
}

// A rotated CA goes behind the old one, which stays until it expires.
func TestRotation(t *testing.T) {
	t.Parallel()
	first, second := authority(t, "a", time.Hour), authority(t, "b", 3*time.Hour)
	w := newWorld(t, queue.APIService, service, asked(fromCertificate, "shop/web"))
	w.certificate(first)
	w.handle()
	w.expect(1, 1, injected)
	w.certificate(second)
	if result := w.handle(); result.After != time.Hour {
		t.Errorf("after %s, want when the first expires", result.After)
	}
	w.expect(1, 1, injected)
	if got := w.bundles()[0]; got != string(first)+string(second) {
		t.Errorf("got %q", got)
	}
	w.clock.SetTime(now.Add(time.Hour))
	if result := w.handle(); result.After != 2*time.Hour {
		t.Errorf("after %s", result.After)
	}
	w.expect(1, 1, injected)
	if got := w.bundles()[0]; got != string(second) {
		t.Errorf("got %q", got)
	}
	w.rest()
}

// What others change on an object costs a read, and no write.
func TestOtherChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, queue.APIService, service, asked(fromCertificate, "shop/web"))
	w.certificate(authority(t, "a", time.Hour))
	w.handle()
	w.expect(1, 1, injected)
	w.change(func(o map[string]any) { o["status"] = "available" })
	w.handle()
	w.expect(1, 0)
	w.rest()
}

func TestSources(t *testing.T) {
	t.Parallel()
	const f, s = "metadata.annotations[" + fromCertificate + "]: ", "metadata.annotations[" + fromSecret + "]: "
	ca := authority(t, "a", time.Hour)
	allowed := asked("cert-manager.io/allow-direct-injection", "true")
	for name, row := range map[string]struct {
		annotations map[string]string
		world       func(*world)
		event       string // when it is a warning, nothing is written
	}{
		"Secret":           {asked(fromSecret, "shop/ca"), func(w *world) { w.secret("ca", ca, allowed) }, "Normal CABundleInjected: The CA of Secret shop/ca"},
		"API server":       {asked(fromAPIServer, "true"), func(w *world) { w.ownCA = ca }, "Normal CABundleInjected: The CA of the API server"},
		"Secret, first":    {map[string]string{fromSecret: "shop/ca", fromCertificate: "shop/web"}, func(w *world) { w.secret("ca", ca, allowed) }, "Normal CABundleInjected: The CA of Secret shop/ca"},
		"no opt-in":        {asked(fromSecret, "shop/ca"), func(w *world) { w.secret("ca", ca, nil) }, "Warning InjectionNotAllowed: " + s + `Secret shop/ca does not permit it: annotate the Secret with cert-manager.io/allow-direct-injection: "true"`},
		"opt-in false":     {asked(fromSecret, "shop/ca"), func(w *world) { w.secret("ca", ca, asked("cert-manager.io/allow-direct-injection", "false")) }, "Warning InjectionNotAllowed: " + s},
		"no Secret":        {asked(fromSecret, "shop/ca"), func(*world) {}, "Warning SourceNotFound: " + s + "Secret shop/ca does not exist: create it"},
		"no Certificate":   {asked(fromCertificate, "shop/web"), func(*world) {}, "Warning SourceNotFound: " + f + "Certificate shop/web does not exist: create it"},
		"not issued":       {asked(fromCertificate, "shop/web"), func(w *world) { w.certificate(ca); delete(w.secrets, "shop/web-tls") }, "Warning SourceNotFound: " + f + "Secret shop/web-tls of Certificate shop/web does not exist yet"},
		"another's Secret": {asked(fromCertificate, "shop/web"), func(w *world) { w.certificate(ca); w.secret("web-tls", ca, nil) }, "Warning InjectionNotAllowed: " + f + "Secret shop/web-tls was not made for Certificate shop/web"},
		"no ca.crt":        {asked(fromCertificate, "shop/web"), func(w *world) { w.certificate(nil) }, "Warning NoCA: " + f + "Secret shop/web-tls has no ca.crt: use an issuer that tells its CA"},
		"garbage":          {asked(fromCertificate, "shop/web"), func(w *world) { w.certificate([]byte("x")) }, "Warning NoCA: " + f + "ca.crt of Secret shop/web-tls: CA bundle: no PEM block found: put PEM certificates there"},
		"malformed":        {asked(fromCertificate, "web"), func(*world) {}, "Warning InvalidReference: " + f + `"web" is not the name of a Certificate: write NAMESPACE/NAME`},
		"no CA of our own": {asked(fromAPIServer, "true"), func(*world) {}, "Warning NoCA: metadata.annotations[" + fromAPIServer + "]: certwright's connection to the API server names no CA of its own"},
		"of a set":         {asked(fromCertificate, "shop/web"), func(w *world) { w.certificate(ca); w.set = "shop" }, "Warning KeptByWebhookSet: " + f},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, queue.MutatingWebhook, webhooks, row.annotations)
			row.world(w)
			result := w.handle()
			if result.After == patience { // it may come right by itself
				w.expect(0, 0)
				w.clock.SetTime(now.Add(patience))
				w.handle()
			}
			if len(w.events) != 1 || !strings.HasPrefix(w.events[0], row.event) {
				t.Errorf("events %q, want %q", w.events, row.event)
			}
			if wrote := w.writes > 0; wrote != strings.HasPrefix(row.event, "Normal") {
				t.Errorf("%d writes", w.writes)
			}
			w.reads, w.writes, w.events = 0, 0, nil
			for range 5 {
				w.handle()
			}
			if w.writes > 0 || len(w.events) > 0 {
				t.Errorf("handled again: %d writes, events %q", w.writes, w.events)
			}
		})
	}
}

// A fault that is over and comes back is told again.
func TestFaultsAreToldOncePerChange(t *testing.T) {
	t.Parallel()
	ca := authority(t, "a", time.Hour)
	w := newWorld(t, queue.APIService, service, asked(fromSecret, "shop/ca"))
	told := func(n int) {
		t.Helper()
		for range 3 {
			w.handle()
		}
		if len(w.events) != n {
			t.Errorf("events %q, want %d", w.events, n)
		}
		w.events = nil
	}
	w.secret("ca", ca, nil)
	told(1)
	w.secret("ca", ca, asked(allowAnnotation, "true"))
	told(1)
	w.secret("ca", ca, nil)
	told(1)
}

// Garbage is replaced, and told.
func TestGarbage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, queue.APIService, `{"spec":{"service":{},"caBundle":"Z2FyYmFnZQ=="}}`, asked(fromCertificate, "shop/web"))
	w.certificate(authority(t, "a", time.Hour))
	w.handle()
	w.expect(1, 1, "Warning CABundleReplaced: caBundle: what was there could not be read and is replaced: CA bundle: no PEM block found", injected)
	w.rest()
}

// Somebody else wrote in between: nothing is lost, and the next try has it.
func TestConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t, queue.APIService, service, asked(fromCertificate, "shop/web"))
	w.certificate(authority(t, "a", time.Hour))
	w.refuse = apierrors.NewConflict(schema.GroupResource{}, "web", errors.New("changed"))
	if _, err := w.handler.Handle(t.Context(), w.key); !apierrors.IsConflict(err) {
		t.Errorf("got %v", err)
	}
	w.expect(1, 1)
	w.handle()
	w.expect(1, 1, injected)
}

// An API server that cannot answer is no fault of the source.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, queue.APIService, service, asked(fromSecret, "shop/ca"))
	w.failing = errors.New("connection lost")
	if _, err := w.handler.Handle(t.Context(), w.key); err == nil || err.Error() != "read Secret shop/ca: connection lost" {
		t.Errorf("got %v", err)
	}
	w.expect(0, 0)
}

// A tool that keeps resetting the bundle gets it put back, ever more slowly,
// and is told of once.
func TestNoStorm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, queue.APIService, service, asked(fromCertificate, "shop/web"))
	w.certificate(authority(t, "a", 48*time.Hour))
	writes, events := 0, []string{}
	for second := range 3600 {
		w.clock.SetTime(now.Add(time.Duration(second) * time.Second))
		w.handle()
		if w.writes > 0 {
			w.change(func(o map[string]any) { delete(o["spec"].(map[string]any), "caBundle") })
		}
		writes, events = writes+w.writes, append(events, w.events...)
		w.writes, w.events = 0, nil
	}
	if writes < 10 || writes > 25 {
		t.Errorf("%d writes in an hour", writes)
	}
	if len(events) != quarrel.Prompt+1 || !strings.Contains(fmt.Sprint(events), reasonContested) {
		t.Errorf("events: %q", events)
	}
	// Whoever stops is served promptly again.
	w.clock.SetTime(now.Add(3 * time.Hour))
	w.handle()
	w.reads, w.writes, w.events = 0, 0, nil
	w.clock.SetTime(now.Add(6 * time.Hour))
	w.change(func(o map[string]any) { delete(o["spec"].(map[string]any), "caBundle") })
	w.handle()
	w.expect(1, 1, injected)
}

// A CA that is rotated is never held up by such a quarrel.
func TestANewCAIsWrittenAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, queue.APIService, service, asked(fromCertificate, "shop/web"))
	for range 20 {
		w.certificate(authority(t, "a", time.Hour))
		w.handle()
		w.expect(1, 1, injected)
	}
}

// Nothing is remembered of what is gone or asks for nothing any more.
func TestForgetting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, queue.APIService, service, asked(fromCertificate, "shop/web"))
	w.certificate(authority(t, "a", time.Hour))
	w.handle()
	if len(w.handler.memory.last) != 1 {
		t.Error("nothing is remembered")
	}
	w.seen.Annotations = nil
	if _, err := w.handler.Handle(t.Context(), w.key); err != nil || len(w.handler.memory.last) != 0 {
		t.Errorf("remembered: %v, %v", w.handler.memory.last, err)
	}
}

// An annotation that the cache does not show yet, or still shows, waits for
// the cache.
func TestAStaleCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t, queue.APIService, service, asked(fromCertificate, "shop/web"))
	w.certificate(authority(t, "a", time.Hour))
	w.object["metadata"].(map[string]any)["annotations"] = nil
	if _, err := w.handler.Handle(t.Context(), w.key); err != nil {
		t.Fatal(err)
	}
	w.expect(1, 0)
}

// The API server's CA comes from a file: it is looked at now and then.
func TestOwnCAIsReloaded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, queue.APIService, service, asked(fromAPIServer, "true"))
	w.ownCA = authority(t, "a", 24*time.Hour)
	if result := w.handle(); result.After != ownCACheck {
		t.Errorf("after %s", result.After)
	}
	first := string(w.ownCA)
	w.ownCA = authority(t, "b", 24*time.Hour)
	w.handle()
	if diff := cmp.Diff([]string{first + string(w.ownCA)}, w.bundles()); diff != "" {
		t.Errorf("bundles (-want +got):\n%s", diff)
	}
}
