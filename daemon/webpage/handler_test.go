package webpage

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	corev1 "k8s.io/api/core/v1"
)

// answer is what the page answered.
type answer struct {
	StatusCode int
	Header     http.Header
	body       string
}

// ask asks the page for a path, with "Name: value" headers.
func ask(t *testing.T, h http.Handler, method, path string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	recorded := httptest.NewRecorder()
	h.ServeHTTP(recorded, r)
	return answer{recorded.Code, recorded.Result().Header, recorded.Body.String()}
}

// every path there is.
var paths = []string{"/", "/?q=web&state=Ready&sort=expires&dir=desc&page=1&size=100", "/?state=attention", "/?week=2026-04-30", "/?q=nothing+like+that",
	"/certificate?namespace=shop&name=web", "/certificate?namespace=shop&name=odd", "/certificate?namespace=shop&name=failed",
	"/certificate?namespace=shop&name=new", "/certificate?namespace=shop&name=order", "/certificate?namespace=no&name=no",
	"/issuers", "/challenges", "/webhooks", "/replicas", "/no-such-page"}

// document reads an answer as a browser would, and holds it to what must be
// true of every page.
func document(t *testing.T, h http.Handler, path string) *html.Node {
	t.Helper()
	body := ask(t, h, http.MethodGet, path).body
	if !strings.HasSuffix(body, "</html>\n") {
		t.Fatalf("%s: it ends with %.200q", path, body[max(0, len(body)-200):])
	}
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func walk(n *html.Node, visit func(*html.Node)) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode {
			visit(d)
		}
	}
}

func attribute(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

func content(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func byID(t *testing.T, doc *html.Node, id string) *html.Node {
	t.Helper()
	var found *html.Node
	walk(doc, func(n *html.Node) {
		if v, ok := attribute(n, "id"); ok && v == id {
			found = n
		}
	})
	if found == nil {
		t.Fatalf("there is no element %q", id)
	}
	return found
}

// What others wrote is text, wherever it stands: no element, no attribute, no
// address comes of it. What a page needs, it has from itself.
func TestNothingForeignIsObeyed(t *testing.T) {
	h := handler(t, withOrder(withSets(everything())))
	h.options.Sets = someSets()
	for _, path := range append(paths, "/?q="+url.QueryEscape(hostile)) {
		scripts := 0
		ids := map[string]bool{}
		walk(document(t, h, path), func(n *html.Node) {
			switch n.Data {
			case "script":
				scripts++
			case "img", "iframe", "object", "embed", "base", "style":
				t.Errorf("%s has a <%s>", path, n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
				}
				if a.Key == "href" || a.Key == "src" || a.Key == "action" {
					u, err := url.Parse(a.Val)
					if err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(a.Val, "/") {
						t.Errorf("%s: %s=%q is not relative", path, a.Key, a.Val)
					}
				}
				if a.Key == "id" && ids[a.Val] {
					t.Errorf("%s: two elements are %q", path, a.Val)
				} else if a.Key == "id" {
					ids[a.Val] = true
				}
			}
		})
		if scripts != 1 {
			t.Errorf("%s: %d scripts", path, scripts)
		}
	}
}

func TestHeaders(t *testing.T) {
	h := handler(t, everything())
	for _, path := range append(paths, "/page.css", "/page.js", "/icon.svg") {
		r := ask(t, h, http.MethodGet, path)
		csp := r.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %v", path, r.Header)
		}
		if cc := r.Header.Get("Cache-Control"); cc != "no-store" && (cc != "no-cache" || r.Header.Get("ETag") == "") {
			t.Errorf("%s: Cache-Control %q", path, cc)
		}
		if r.Header.Get("Set-Cookie") != "" || r.Header.Get("Location") != "" {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
}

// The page reads: whoever wants more is refused.
func TestOnlyReading(t *testing.T) {
	h := handler(t, everything())
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, http.MethodTrace, "BREW"} {
		r := ask(t, h, method, "/")
		if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d %v", method, r.StatusCode, r.Header)
		}
	}
	if r := ask(t, h, http.MethodHead, "/"); r.StatusCode != http.StatusOK {
		t.Errorf("HEAD: %d", r.StatusCode)
	}
}

func TestMissing(t *testing.T) {
	h := handler(t, everything())
	for _, path := range []string{"/no-such-page", "/certificate", "/certificate?namespace=shop&name=none", "/page.css/", "/assets/page.css", "/../etc/passwd"} {
		if r := ask(t, h, http.MethodGet, path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

// The answer is a function of the caches: whoever has it is told so, until
// something changes.
func TestUnchanged(t *testing.T) {
	c := everything()
	h := handler(t, c)
	var leases []Shard
	h.options.Shards = func() []Shard { return leases }
	tag := ask(t, h, http.MethodGet, "/").Header.Get("ETag")
	again := func() int { return ask(t, h, http.MethodGet, "/", "If-None-Match: "+tag).StatusCode }
	if code := again(); code != http.StatusNotModified {
		t.Fatalf("nothing changed: %d", code)
	}
	for what, change := range map[string]func(){
		"the caches": func() { c.generation++ },
		"the Leases": func() { leases = []Shard{{Lease: "l", Holder: "me"}} },
		"the minute": func() { h.now = func() time.Time { return now.Add(time.Minute) } },
	} {
		change()
		if code := again(); code != http.StatusOK {
			t.Errorf("%s changed: %d", what, code)
		}
		tag = ask(t, h, http.MethodGet, "/").Header.Get("ETag")
		if code := again(); code != http.StatusNotModified {
			t.Errorf("%s did not change again: %d", what, code)
		}
	}
	if code := ask(t, h, http.MethodGet, "/issuers", "If-None-Match: "+tag).StatusCode; code != http.StatusOK {
		t.Errorf("another page: %d", code)
	}
	if code := ask(t, h, http.MethodGet, "/", "If-None-Match: "+tag, "Accept: application/json").StatusCode; code != http.StatusOK {
		t.Errorf("another form: %d", code)
	}
}

// Too many at a time are asked to come again, and do not pile up.
func TestTurns(t *testing.T) {
	h := handler(t, everything())
	for range atOnce {
		h.turns <- struct{}{}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	ctx, cancel := contextWithin(t, 20*time.Millisecond)
	defer cancel()
	recorded := httptest.NewRecorder()
	h.ServeHTTP(recorded, r.WithContext(ctx))
	if recorded.Code != http.StatusServiceUnavailable || recorded.Header().Get("Retry-After") == "" || recorded.Header().Get("ETag") != "" {
		t.Errorf("%d %v", recorded.Code, recorded.Header())
	}
	<-h.turns
	if code := ask(t, h, http.MethodGet, "/").StatusCode; code != http.StatusOK {
		t.Errorf("a turn is free: %d", code)
	}
}

func TestJSON(t *testing.T) {
	h := handler(t, everything())
	for _, r := range []answer{ask(t, h, http.MethodGet, "/?format=json&state=Failed"), ask(t, h, http.MethodGet, "/?state=Failed", "Accept: application/json")} {
		var list struct {
			Found        int
			Tally        struct{ All, NeedAttention int }
			Certificates []struct{ Namespace, Name, State, WaitingFor string }
		}
		if err := json.Unmarshal([]byte(r.body), &list); err != nil {
			t.Fatal(err)
		}
		if list.Found != 1 || list.Tally.All != 9 || list.Tally.NeedAttention != 3 || list.Certificates[0].Name != "failed" || list.Certificates[0].State != "Failed" {
			t.Errorf("%+v", list)
		}
	}
	for _, path := range paths {
		r := ask(t, h, http.MethodGet, path, "Accept: application/json")
		var data any
		if err := json.Unmarshal([]byte(r.body), &data); err != nil || data == nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Of a Secret nothing is shown but the certificates in it.
func TestNoKeys(t *testing.T) {
	c := withOrder(withSets(everything()))
	for _, crt := range c.certificates {
		k := crt.Namespace + "/" + crt.Spec.SecretName
		if c.secrets[k] == nil {
			c.secrets[k] = &corev1.Secret{Data: map[string][]byte{"tls.crt": []byte(secretData), "tls.key": []byte(secretData), "token": []byte(secretData)}}
		}
	}
	h := handler(t, c)
	h.options.Sets = someSets()
	for _, path := range paths {
		for _, accept := range []string{"text/html", "application/json"} {
			if body := ask(t, h, http.MethodGet, path, "Accept: "+accept).body; strings.Contains(body, secretData) || strings.Contains(body, "PRIVATE KEY") || strings.Contains(body, token) {
				t.Errorf("%s as %s shows what a Secret holds", path, accept)
			}
		}
	}
}
