package acme_test

import (
	"context"
	"crypto/elliptic"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/acme/acmetest"
)

func bigInt(i int64) *big.Int { return big.NewInt(i) }

// Every type of RFC 8555, section 6.7, and those that came after it.
func TestClassify(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		status int
		typ    string
		told   time.Duration
		detail string
		want   acme.Class
	}{
		{400, "accountDoesNotExist", 0, "", acme.NoAccount},
		{400, "alreadyRevoked", 0, "", acme.Refused},
		{400, "badCSR", 0, "", acme.Refused},
		{400, "badNonce", 0, "", acme.Transient},
		{400, "badPublicKey", 0, "", acme.Refused},
		{400, "badRevocationReason", 0, "", acme.Refused},
		{400, "badSignatureAlgorithm", 0, "", acme.Refused},
		{403, "caa", 0, "", acme.Refused},
		{403, "compound", 0, "", acme.Refused},
		{400, "connection", 0, "", acme.Refused},
		{400, "dns", 0, "", acme.Refused},
		{403, "externalAccountRequired", 0, "", acme.Refused},
		{403, "incorrectResponse", 0, "", acme.Refused},
		{400, "invalidContact", 0, "", acme.Refused},
		{400, "malformed", 0, "", acme.Refused},
		{403, "orderNotReady", 0, "", acme.Transient},
		{429, "rateLimited", 0, "", acme.Paused},
		{400, "rejectedIdentifier", 0, "", acme.Refused},
		{500, "serverInternal", 0, "", acme.Transient},
		{400, "tls", 0, "", acme.Refused},
		{403, "unauthorized", 0, "", acme.Refused},
		{400, "unsupportedContact", 0, "", acme.Refused},
		{400, "unsupportedIdentifier", 0, "", acme.Refused},
		{403, "userActionRequired", 0, "", acme.Refused},
		{409, "alreadyReplaced", 0, "", acme.Refused}, // RFC 9773
		{400, "invalidProfile", 0, "", acme.Refused},  // profiles

		{401, "unauthorized", 0, "", acme.NoAccount},
		{403, "unauthorized", 0, `Account is not valid, has status "deactivated"`, acme.NoAccount},
		{403, "unauthorized", 0, "Invalid response from http://a.test/: 404", acme.Refused},
		{403, "unauthorized", 0, "The account number is not authorized for a.test", acme.Refused},
		{404, "malformed", 0, "", acme.Gone},
		{404, "", 0, "", acme.Gone},
		{410, "", 0, "", acme.Gone},
		{429, "", 0, "", acme.Paused},
		{400, "rateLimited", 0, "", acme.Paused}, // with another status than RFC 8555 says
		{0, "rateLimited", 0, "", acme.Paused},   // of a challenge
		{0, "dns", 0, "", acme.Refused},          // of a challenge
		{503, "", 30 * time.Second, "", acme.Paused},
		{503, "rateLimited", 0, "", acme.Paused},
		{403, "rejectedIdentifier", time.Hour, "", acme.Paused},
		{400, "badNonce", time.Second, "", acme.Transient},
		{500, "", 0, "", acme.Transient},
		{502, "", 0, "", acme.Transient},
		{500, "malformed", 0, "", acme.Transient},
		{403, "", 0, "", acme.Transient}, // a proxy's
		{408, "about:blank", 0, "", acme.Transient},
		{409, "https://example.com/probs/busy", 0, "", acme.Refused},
		{400, "about:blank", 0, "", acme.Refused},
	} {
		if got := acme.Classify(row.status, row.typ, row.told, row.detail); got != row.want {
			t.Errorf("%d %q %v %q: got %d, want %d", row.status, row.typ, row.told, row.detail, got, row.want)
		}
	}
}

func order(t *testing.T, c *acme.Client, a acme.Account) error {
	t.Helper()
	_, err := c.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.test")})
	return err
}

// What a server says of single names is told, in an order of its own.
func TestSubproblems(t *testing.T) {
	t.Parallel()
	s := acmetest.New(t, acmetest.Options{})
	c := client(s)
	a := account(t, c, s, ecKey(t, elliptic.P256()))
	sub := func(name, typ, detail string) acmetest.Subproblem {
		return acmetest.Subproblem{Name: name, Type: typ, Detail: detail}
	}
	for _, subs := range [][]acmetest.Subproblem{
		{sub("b.test", "caa", "forbidden by CAA"), sub("a.test", "rejectedIdentifier", "on a list")},
		{sub("a.test", "rejectedIdentifier", "on a list"), sub("b.test", "caa", "forbidden by CAA")},
	} {
		s.Fail("new_order", 1, acmetest.Problem{Status: 403, Type: "rejectedIdentifier", Detail: "Some names\nwere refused", Subproblems: subs})
		want(t, order(t, c, a), acme.Error{Class: acme.Refused, Type: "rejectedIdentifier", Status: 403,
			Detail: "Some names were refused; a.test: rejectedIdentifier: on a list; b.test: caa: forbidden by CAA"})
	}
	s.Fail("new_order", 1, acmetest.Problem{Type: "malformed", Detail: strings.Repeat("long ", 1000)})
	if err := order(t, c, a); len(err.Error()) > 900 {
		t.Errorf("%d bytes go into a status", len(err.Error()))
	}
}

// One nonce in two is refused, and nobody notices; all of them, and the call ends.
func TestNonces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		odd, all := false, false
		s := acmetest.New(t, acmetest.Options{RefuseNonce: func() bool { odd = !odd; return odd || all }})
		c := client(s)
		a := account(t, c, s, ecKey(t, elliptic.P256()))
		if err := order(t, c, a); err != nil {
			t.Error(err)
		}
		all = true
		before := s.Calls("new_order")
		want(t, order(t, c, a), acme.Error{Class: acme.Transient, Type: "badNonce", Status: 400, Detail: "the ACME server refused one nonce after the other", RetryAfter: time.Second})
		if n := s.Calls("new_order") - before; n != 6 {
			t.Errorf("%d attempts, want 6", n)
		}
		all = false
		if err := order(t, c, a); err != nil { // it was no fault of the server's being there
			t.Error(err)
		}
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	limited := acmetest.Problem{Status: 429, Type: "rateLimited", Detail: "too many"}
	for name, row := range map[string]struct {
		problem      acmetest.Problem
		told, paused time.Duration
	}{
		"seconds":          {with(limited, "30"), 30 * time.Second, 30 * time.Second},
		"none told":        {limited, time.Minute, time.Minute},
		"zero":             {with(limited, "0"), time.Second, time.Second},
		"nonsense":         {with(limited, "soon"), time.Minute, time.Minute},
		"a week":           {with(limited, "604800"), 168 * time.Hour, time.Hour},
		"beyond all":       {with(limited, "99999999999999"), 744 * time.Hour, time.Hour},
		"out of order":     {with(acmetest.Problem{Status: 503, Body: "<html>"}, "120"), 2 * time.Minute, 2 * time.Minute},
		"of another class": {with(acmetest.Problem{Status: 403, Type: "unauthorized"}, "7"), 7 * time.Second, 7 * time.Second},
		"a date":           {with(limited, "DATE"), 10 * time.Minute, 10 * time.Minute},
		"a date gone by":   {with(limited, "PAST"), time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				row := row
				switch row.problem.RetryAfter {
				case "DATE":
					row.problem.RetryAfter = date(10 * time.Minute)
				case "PAST":
					row.problem.RetryAfter = date(-time.Hour)
				}
				s := acmetest.New(t, acmetest.Options{})
				var began []time.Time
				c := acme.NewClient(acme.Options{Transport: s.Transport(), Paused: func(_ acme.Account, until time.Time, why string) { began = append(began, until) }})
				a, other := account(t, c, s, ecKey(t, elliptic.P256())), account(t, c, s, ecKey(t, elliptic.P256()))
				s.Fail("new_order", 1, row.problem)
				pausedAs(t, order(t, c, a), row.told)
				calls := s.Calls("")
				time.Sleep(row.paused / 2)
				pausedAs(t, order(t, c, a), max(row.paused/2, time.Second))
				if n := s.Calls("") - calls; n != 0 {
					t.Errorf("%d calls were made for a paused account", n)
				}
				if until, why := c.PausedUntil(a); !until.Equal(time.Now().Add(row.paused-row.paused/2)) || why == "" {
					t.Errorf("paused until %v, %q", until, why)
				}
				if err := order(t, c, other); err != nil {
					t.Errorf("another account: %v", err)
				}
				time.Sleep(row.paused - row.paused/2)
				if err := order(t, c, a); err != nil {
					t.Errorf("after the pause: %v", err)
				}
				if until, why := c.PausedUntil(a); !until.IsZero() || why != "" || len(began) != 1 {
					t.Errorf("still paused until %v, %q; told %d times", until, why, len(began))
				}
			})
		})
	}
}

func with(p acmetest.Problem, retryAfter string) acmetest.Problem {
	p.RetryAfter = retryAfter
	return p
}

func pausedAs(t *testing.T, err error, after time.Duration) {
	t.Helper()
	e, ok := err.(*acme.Error)
	if !ok || e.Class != acme.Paused || e.RetryAfter != after {
		t.Errorf("got %+v, want a pause of %v", err, after)
	}
}

// A server that is away is asked ever more rarely, and as soon as it is back by
// all.
func TestBreaker(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]acmetest.Problem{
		"gone": {Drop: true}, "broken": {Status: 500, Type: "serverInternal", Detail: "oh"}, "a proxy's": {Status: 502, Body: "<html>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := acmetest.New(t, acmetest.Options{})
				c := client(s)
				a := account(t, c, s, ecKey(t, elliptic.P256()))
				s.Fail("new_order", 8, p)
				for _, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
					rest := time.Duration(seconds) * time.Second
					before := s.Calls("new_order")
					for range 10 { // the first asks, the others take its word
						e, ok := order(t, c, a).(*acme.Error)
						if !ok || e.Class != acme.Transient || e.RetryAfter != rest {
							t.Fatalf("got %+v, want to rest %v", e, rest)
						}
					}
					if n := s.Calls("new_order") - before; n != 1 {
						t.Errorf("%d calls, want 1", n)
					}
					time.Sleep(rest)
				}
				for range 2 {
					if err := order(t, c, a); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// Whoever gives up a call has not found a fault of the server's.
func TestCancelled(t *testing.T) {
	t.Parallel()
	s := acmetest.New(t, acmetest.Options{})
	c := client(s)
	a := account(t, c, s, ecKey(t, elliptic.P256()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.NewOrder(ctx, a, acme.NewOrder{Identifiers: dns("a.test")})
	want(t, err, acme.Error{Class: acme.Transient, Detail: "the call to acme.test was ended before an answer came"})
	if err := order(t, c, a); err != nil {
		t.Error(err)
	}
}

// Whatever is wrong on the way to a server is said with the field and the
// remedy, and in the same words each time.
func TestTheWayToAServer(t *testing.T) {
	t.Parallel()
	s := acmetest.New(t, acmetest.Options{})
	good := s.Listen()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.NotFound(w, r)
		case "/json":
			_, _ = io.WriteString(w, `{"hello": "world"}`)
		default:
			_, _ = io.WriteString(w, "<html>")
		}
	}))
	t.Cleanup(page.Close)
	closed := httptest.NewServer(nil)
	closed.Close()
	host := strings.TrimPrefix(strings.TrimSuffix(good.URL, "/directory"), "https://")
	named := good
	named.URL = strings.Replace(good.URL, "127.0.0.1", "localhost", 1)
	for name, row := range map[string]struct {
		directory acme.Directory
		want      string
		class     acme.Class
	}{
		"untrusted":   {acme.Directory{URL: good.URL}, "spec.acme.caBundle: the TLS certificate of " + host + " is signed by an authority that is not trusted: set caBundle to the CA certificate by which that server is known", acme.Transient},
		"other name":  {named, "spec.acme.server: the TLS certificate of " + strings.Replace(host, "127.0.0.1", "localhost", 1) + " is for other names: set the URL with the name that the certificate has", acme.Transient},
		"no TLS":      {acme.Directory{URL: strings.Replace(page.URL, "http:", "https:", 1)}, "spec.acme.server: " + strings.TrimPrefix(page.URL, "http://") + " does not answer in TLS: check scheme and port of the URL", acme.Transient},
		"a page":      {acme.Directory{URL: page.URL}, "spec.acme.server: what " + page.URL + " answers is no ACME directory: set the URL of the CA's ACME directory", acme.Transient},
		"other JSON":  {acme.Directory{URL: page.URL + "/json"}, "spec.acme.server: what " + page.URL + "/json answers is no ACME directory: set the URL of the CA's ACME directory", acme.Transient},
		"missing":     {acme.Directory{URL: page.URL + "/missing"}, "spec.acme.server: " + page.URL + "/missing answers HTTP 404 and is no ACME directory: set the URL of the CA's ACME directory", acme.Transient},
		"nobody":      {acme.Directory{URL: closed.URL}, "no answer from " + strings.TrimPrefix(closed.URL, "http://") + ": dial tcp " + strings.TrimPrefix(closed.URL, "http://") + ": connect: connection refused", acme.Transient},
		"no URL":      {acme.Directory{URL: "acme.example.com"}, `spec.acme.server: "acme.example.com" is no URL of a server: set the URL of the CA's ACME directory, such as https://acme.example.com/directory`, acme.Refused},
		"bad bundle":  {acme.Directory{URL: good.URL, CABundle: []byte("nonsense")}, "spec.acme.caBundle: no certificate can be read in it: set the CA certificates, as PEM, by which the ACME server is known", acme.Refused},
		"trusted":     {good, "", 0},
		"not checked": {acme.Directory{URL: good.URL, SkipTLSVerify: true}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := acme.NewClient(acme.Options{})
			_, err := c.Register(t.Context(), acme.Account{Directory: row.directory, Key: ecKey(t, elliptic.P256())}, acme.Registration{})
			if row.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := err.(*acme.Error)
			if !ok || e.Detail != row.want || e.Class != row.class {
				t.Errorf("got %+v\nwant %s", err, row.want)
			}
		})
	}
}

// Requests are metered by action, and never by anything of a URL.
func TestObserve(t *testing.T) {
	t.Parallel()
	s := acmetest.New(t, acmetest.Options{})
	var calls []acme.Call
	c := acme.NewClient(acme.Options{Transport: s.Transport(), Observe: func(_ context.Context, call acme.Call) { call.Took = 0; calls = append(calls, call) }})
	a := account(t, c, s, ecKey(t, elliptic.P256()))
	s.Fail("new_order", 1, acmetest.Problem{Status: 403, Type: "caa"})
	s.Fail("get_order", 1, acmetest.Problem{Drop: true})
	if order(t, c, a) == nil {
		t.Error("the order was taken")
	}
	if _, err := c.Order(t.Context(), a, "https://acme.test/order/1"); err == nil {
		t.Error("the order was found")
	}
	call := func(action, method string, status int) acme.Call {
		return acme.Call{Scheme: "https", Host: "acme.test", Action: action, Method: method, Status: status}
	}
	wanted := []acme.Call{
		call("get_directory", "GET", 200), call("new_nonce", "HEAD", 200), call("new_account", "POST", 201),
		call("new_order", "POST", 403), call("get_order", "POST", 0),
	}
	if !reflect.DeepEqual(calls, wanted) {
		t.Errorf("got %+v\nwant %+v", calls, wanted)
	}
}
