package webpage

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"golang.org/x/net/html"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What somebody may write wherever the API, or what is in a Certificate, lets
// him write.
var hostiles = []string{
	hostile,
	`javascript:alert(1)`,
	`" onmouseover="alert(1)" x="`,
	`' autofocus onfocus='alert(1)`,
	`</title></main><script src=//evil.test></script>`,
	`<!-- <svg/onload=alert(1)> ]]> &lt;b&gt; &#0;`,
	`//evil.test/?a=b&c=d#e`,
	"data:text/html,<b>\x00\x7f\u202e\xff",
}

// hostileWorld has the text in every field that a page shows.
func hostileWorld(s string) *caches {
	c := withOrder(everything())
	crt := c.certificates[len(c.certificates)-1]
	c.certificates = []*cmapi.Certificate{crt, certificate("shop", "web")} // one that a search finds, and one not
	crt.Name, crt.Namespace = s, s
	crt.Spec = cmapi.CertificateSpec{SecretName: s, CommonName: s, DNSNames: []string{s + "."}, URIs: []string{s},
		IssuerRef: cmmeta.IssuerReference{Name: s, Kind: s, Group: s}}
	crt.Status.LastFailureTime = at4(-time.Minute)
	crt.Status.Conditions = append(crt.Status.Conditions, cmapi.CertificateCondition{Type: cmapi.CertificateConditionType(s), Status: cmmeta.ConditionStatus(s), Reason: s, Message: s})
	cr := c.requests[crt.UID][0]
	cr.Name, cr.Namespace = s, s
	cr.Annotations[cmapi.CertificateNameKey] = s
	cr.Status.Conditions = append(cr.Status.Conditions, cmapi.CertificateRequestCondition{Type: cmapi.CertificateRequestConditionType(s), Status: cmmeta.ConditionStatus(s), Reason: s, Message: s})
	c.orders[cr.UID][0].Name, c.orders[cr.UID][0].Status.Reason = s, s
	for _, ch := range c.challenges {
		ch.Namespace, ch.Spec.DNSName, ch.Spec.Type, ch.Status.Reason = s, s, cmacme.ACMEChallengeType(s), s+s
	}
	c.issuers = append(c.issuers, &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: s, Name: s},
		Status: cmapi.IssuerStatus{Conditions: []cmapi.IssuerCondition{{Type: "Ready", Status: "False", Reason: s, Message: s}}}})
	return c
}

// What others wrote is shown as they wrote it, and changes nothing else: each
// page has the elements and the attributes, but for their values, that it has
// with a harmless word, and leads nowhere but to itself.
func TestHostileTexts(t *testing.T) {
	shape := func(s string) (map[string][]string, string) {
		h := handler(t, hostileWorld(s))
		h.options.Identity = func() string { return s }
		h.options.Shards = func() []Shard { return []Shard{{s, s, true}} }
		all, shown := map[string][]string{}, ""
		for page, path := range map[string]string{
			"list": "/?sort=name&q=" + url.QueryEscape(s), "all": "/", "issuers": "/issuers", "challenges": "/challenges", "replicas": "/replicas",
			"certificate": "/certificate?" + url.Values{"namespace": {s}, "name": {s}}.Encode(),
		} {
			doc := document(t, h, path)
			walk(doc, func(n *html.Node) {
				keys := n.Data
				for _, a := range n.Attr {
					keys += " " + a.Key
				}
				all[page] = append(all[page], keys)
				harmless(t, h, page, n)
			})
			shown += content(doc) + "\n"
		}
		return all, shown
	}
	want, _ := shape("word")
	for _, s := range hostiles {
		got, shown := shape(s)
		for page := range want {
			if strings.Join(got[page], "\n") != strings.Join(want[page], "\n") {
				t.Errorf("%q makes other elements of the page %s", s, page)
			}
		}
		if words := strings.Join(strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")), " "); !strings.Contains(strings.ToValidUTF8(strings.ReplaceAll(shown, "\ufffd", ""), ""), words) {
			t.Errorf("%q is not shown as it is", s)
		}
	}
}

// harmless holds an element to leading nowhere but to a page that there is.
func harmless(t *testing.T, h http.Handler, page string, n *html.Node) {
	t.Helper()
	for _, key := range []string{"href", "src", "action"} {
		to, ok := attribute(n, key)
		if !ok {
			continue
		}
		if !stays(to) {
			t.Errorf("%s: <%s %s=%q> leads elsewhere", page, n.Data, key, to)
		}
		base := &url.URL{Scheme: "http", Host: "here.test", Path: "/"}
		u, err := base.Parse(to)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme {
			t.Errorf("%s: <%s %s=%q> is another host's: %v", page, n.Data, key, to, err)
		} else if code := ask(t, h, http.MethodHead, u.RequestURI()).StatusCode; code != http.StatusOK {
			t.Errorf("%s: <%s %s=%q> answers %d", page, n.Data, key, to, code)
		}
	}
}

// An address that a browser would not read as one below this page is left out,
// wherever it came from.
func TestLinksStay(t *testing.T) {
	for to, want := range map[string]bool{
		"./": true, "./?q=javascript%3Aalert": true, "?page=2": true, "#main": true, "issuers": true,
		"certificate?name=a%3Ab&namespace=c": true, "./?q=http://else.test": true, "": true,
		"javascript:alert(1)": false, "JavaScript:alert(1)": false, " javascript:alert(1)": false, "java\tscript:alert(1)": false,
		"\x01javascript:alert(1)": false, "data:text/html,x": false, "http://else.test/": false, "//else.test": false, `\\else.test`: false,
		`/\else.test`: false, "/metrics": false, "\n//else.test": false,
	} {
		n := &html.Node{Type: html.ElementNode, Data: "a"}
		all(href(to))(n)
		if _, got := attribute(n, "href"); got != want {
			t.Errorf("%q: a link is made: %t, want %t", to, got, want)
		}
	}
}
