package responder

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const (
	token = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
	key   = token + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
)

func one(asked string) []Answer {
	if asked != token {
		return nil
	}
	return []Answer{{Name: "www.example.com", KeyAuthorization: key}}
}

func ask(t *testing.T, h http.Handler, method, target, host string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, "/", nil)
	r.Host = host
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	r.URL = u
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheTokenIsAnswered(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		w := httptest.NewRecorder()
		Handler(one).ServeHTTP(w, httptest.NewRequest(method, "http://www.example.com"+Path(token), nil))
		want := key
		if method == http.MethodHead {
			want = ""
		}
		h := w.Header()
		if w.Code != http.StatusOK || w.Body.String() != want || h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("Content-Length") != "87" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %q %v", method, w.Code, w.Body, h)
		}
	}
}

// Whatever else is asked for: the same nothing, in which there is no hint.
func TestNothingElseIsAnswered(t *testing.T) {
	for _, target := range []string{
		"/", "/.well-known/acme-challenge", "/.well-known/acme-challenge/",
		Path(token[:42]), Path(token + "A"), Path(token + "/"), Path(token + "."), Path(token + ".txt"), Path(token + "%00"), Path(token + "%20"),
		"/" + Path(token), "/." + Path(token), "/x/.." + Path(token), Path("../acme-challenge/" + token), Path("./" + token), Path("/" + token),
		"/.well-known/%61cme-challenge/" + token, "/.well-known%2Facme-challenge/" + token, Path("%65" + token[1:]), strings.ToUpper(Prefix) + token,
		Path(strings.Repeat("A", 257)), Path("*"), Path(key), Path("é"), Path("' OR 1=1--"[:1]),
		"http://other.example.com/" + token, "//.well-known/acme-challenge/" + token,
	} {
		expectNothing(t, ask(t, Handler(one), http.MethodGet, target, "www.example.com"), "GET "+target)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get"} {
		expectNothing(t, ask(t, Handler(one), method, Path(token), "www.example.com"), method)
	}
}

func expectNothing(t *testing.T, w *httptest.ResponseRecorder, what string) {
	t.Helper()
	for header := range w.Header() {
		if header != "Content-Length" && header != "Connection" {
			t.Errorf("%s: header %s", what, header)
		}
	}
	if w.Code != http.StatusNotFound || w.Body.Len() > 0 || w.Header().Get("Content-Length") != "0" {
		t.Errorf("%s: %d %v %q", what, w.Code, w.Header(), w.Body)
	}
}

// A query changes nothing: some who follow a redirect bring one along.
func TestAQueryIsPassedOver(t *testing.T) {
	if r := ask(t, Handler(one), http.MethodGet, Path(token)+"?x=1", "www.example.com"); r.Code != http.StatusOK {
		t.Error(r.Code)
	}
}

// One account proves several names with one token each; where a server gives
// the same token twice, the host tells which is meant.
func TestTheHostChooses(t *testing.T) {
	several := func(string) []Answer {
		return []Answer{{"a.example.com", "a"}, {"b.example.com", "b"}, {"2001:db8::1", "six"}, {"192.0.2.1", "four"}}
	}
	for host, want := range map[string]string{
		"a.example.com": "a", "B.Example.Com.": "b", "b.example.com:80": "b", "b.example.com.:8080": "b",
		"[2001:db8::1]": "six", "[2001:DB8:0::1]:80": "six", "2001:db8::1": "six",
		"192.0.2.1": "four", "192.0.2.1:80": "four", "[::ffff:192.0.2.1]:80": "four",
		"c.example.com": "", "": "", "[": "", "a.example.com:80:80": "", "[2001:db8::2]": "",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, Path(token), nil)
		r.Host = host
		Handler(several).ServeHTTP(w, r)
		if got := w.Body.String(); got != want || (w.Code == http.StatusOK) != (want != "") {
			t.Errorf("%q: got %d %q, want %q", host, w.Code, got, want)
		}
	}
	// Alone, it is given whatever proxies have made of the host.
	if r := ask(t, Handler(one), http.MethodGet, Path(token), "10.0.0.7:8089"); r.Code != http.StatusOK {
		t.Errorf("alone: %d", r.Code)
	}
}

func FuzzHandler(f *testing.F) {
	f.Add("GET", Path(token), "www.example.com")
	f.Add("GET", Path("%2e%2e/")+token, "[::1]:80")
	f.Fuzz(func(t *testing.T, method, path, host string) {
		w := httptest.NewRecorder()
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		Handler(one).ServeHTTP(w, &http.Request{Method: method, URL: u, Host: host, Header: http.Header{}})
		right := (method == "GET" || method == "HEAD") && u.Path == Path(token) && u.RawPath == ""
		if right != (w.Code == http.StatusOK) {
			t.Errorf("%s %q: %d", method, path, w.Code)
		}
	})
}

func BenchmarkHandler(b *testing.B) {
	h := Handler(one)
	r := httptest.NewRequest(http.MethodGet, "http://www.example.com"+Path(token), nil)
	w := &nowhere{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(int)             {}
