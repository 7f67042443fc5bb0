package webpage

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"golang.org/x/net/html"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestParseQuery(t *testing.T) {
	standard := Query{Sort: "state", Page: 1, Size: 50}
	with := func(change func(*Query)) Query { q := standard; change(&q); return q }
	for address, want := range map[string]Query{
		"":                          standard,
		"q=+web+":                   with(func(q *Query) { q.Text = "web" }),
		"state=Ready":               with(func(q *Query) { q.State = "Ready" }),
		"state=attention":           with(func(q *Query) { q.State = "attention" }),
		"state=ready":               standard,
		"week=2026-03-04":           with(func(q *Query) { q.Week = "2026-03-02" }),
		"week=yesterday":            standard,
		"sort=expires&dir=desc":     with(func(q *Query) { q.Sort, q.Down = "expires", true }),
		"sort=password":             standard,
		"page=-3":                   standard,
		"page=7":                    with(func(q *Query) { q.Page = 7 }),
		"page=99999999999999999999": standard,
		"size=100":                  with(func(q *Query) { q.Size = 100 }),
		"size=1000000":              standard,
	} {
		v, err := url.ParseQuery(address)
		if err != nil {
			t.Fatal(err)
		}
		got := parseQuery(v)
		if got != want {
			t.Errorf("%s: got %+v, want %+v", address, got, want)
		}
		u, err := url.Parse(got.Link())
		if err != nil || parseQuery(u.Query()) != want {
			t.Errorf("%s: its link %s is another list", address, got.Link())
		}
	}
	if q := parseQuery(url.Values{"q": {strings.Repeat("ä", 1000)}}); len(q.Text) > longestText || !strings.HasPrefix(q.Text, "ä") {
		t.Errorf("%d bytes", len(q.Text))
	}
}

func TestSortBy(t *testing.T) {
	q := Query{Sort: "state", Page: 3, Size: 50}
	for _, step := range []struct{ by, link, aria string }{
		{"expires", "./?sort=expires", "ascending"},
		{"expires", "./?dir=desc&sort=expires", "descending"},
		{"expires", "./?sort=expires", "ascending"},
		{"state", "./", "ascending"},
	} {
		link := q.SortBy(step.by)
		u, _ := url.Parse(link)
		q = parseQuery(u.Query())
		if link != step.link || q.AriaSort(step.by) != step.aria || q.AriaSort("name") != "none" {
			t.Errorf("got %s %s, want %+v", link, q.AriaSort(step.by), step)
		}
	}
}

// list is the names that a query finds, in order.
func list(c *caches, address string) []string {
	v, err := url.ParseQuery(address)
	if err != nil {
		panic(err)
	}
	var names []string
	for _, e := range (Options{Caches: c}).overview(parseQuery(v), now).Entries {
		names = append(names, e.Name)
	}
	return names
}

func TestList(t *testing.T) {
	for address, want := range map[string]string{
		"":                            "expired failed stuck lost new due many odd web",
		"dir=desc":                    "many odd web due lost new stuck failed expired",
		"sort=name":                   "due expired failed lost many new odd stuck web",
		"sort=name&dir=desc":          "web stuck odd new many lost failed expired due",
		"sort=issuer":                 "stuck due expired failed many new odd web lost",
		"sort=expires":                "expired due many odd stuck web failed lost new",
		"sort=expires&dir=desc":       "due many odd stuck web expired failed lost new",
		"sort=renews":                 "due expired many odd stuck web failed lost new",
		"state=attention":             "expired failed stuck",
		"state=Waiting":               "lost new",
		"q=SHOP/W":                    "web",
		"q=web.example":               "web",
		"q=n99.example.com":           "many",
		"q=clusterissuer/acme":        "stuck",
		"q=lost-tls":                  "lost",
		"q=shop+renewing":             "due",
		"q=shop+nowhere":              "",
		"q=%3Cscript%3E":              "odd",
		"week=2026-03-02":             "expired",
		"week=2026-05-01&sort=name":   "due many odd stuck web",
		"week=2026-05-10":             "",
		"week=2026-05-01&q=due&dir=x": "due",
	} {
		if got := strings.Join(list(everything(), address), " "); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", address, got, want)
		}
	}
}

func TestCalendar(t *testing.T) {
	c := everything()
	c.certificates = append(c.certificates, certificate("a", "long-gone", ends(-30*day)), certificate("a", "late", ends(26*7*day)), certificate("a", "last", ends(26*7*day-3*day)))
	cal := Options{Caches: c}.overview(Query{Size: 50, Page: 1}, now).Calendar
	if len(cal.Weeks) != 26 || cal.Weeks[0].Day() != "2026-03-02" || cal.Weeks[25].Day() != "2026-08-24" {
		t.Fatalf("%+v", cal.Weeks)
	}
	if w := cal.Weeks[0]; w.All != 1 || w.Attention != 1 { // yesterday is in this week
		t.Errorf("%+v", w)
	}
	if w := cal.Weeks[8]; w.All != 5 || w.Attention != 1 {
		t.Errorf("%+v", w)
	}
	if cal.Weeks[25].All != 1 || cal.Later != 1 || cal.Expired != 1 || cal.Without != 3 || cal.Total() != 7 || cal.Most() != 5 {
		t.Errorf("%+v", cal)
	}
	if h := cal.Height(5); h != 100 || cal.Height(0) != 0 || (Calendar{Weeks: []Week{{All: 10000}}}).Height(1) != 3 {
		t.Error("heights")
	}
}

func TestWeekOf(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-02T00:00:00Z": "2026-03-02", "2026-03-08T23:59:59Z": "2026-03-02", "2026-03-09T00:00:00Z": "2026-03-09",
		"2026-03-09T00:30:00+01:00": "2026-03-02", "2027-01-01T12:00:00Z": "2026-12-28",
	} {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := weekOf(moment).Format(time.DateOnly); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// thousands are Certificates of 50 namespaces, every tenth of them not in order.
func thousands(n int) *caches {
	c := everything()
	c.clusters = append(c.clusters, &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: "house"}, Status: cmapi.IssuerStatus{Conditions: ready("KeyPairVerified", "True")}})
	for i := range n - len(c.certificates) {
		change := []func(*cmapi.Certificate){ends(time.Duration(i*i%200) * day), by("ClusterIssuer", "house")}
		if i%10 == 0 {
			change = append(change, failing)
		}
		c.certificates = append(c.certificates, certificate(fmt.Sprintf("ns%02d", i%50), fmt.Sprintf("c%05d", i), change...))
	}
	return c
}

// However many there are, what is sent is one page, and the pages are all.
func TestPages(t *testing.T) {
	c := thousands(1234)
	h := handler(t, c)
	seen := map[string]bool{}
	for page := 1; page <= 7; page++ {
		doc := document(t, h, fmt.Sprintf("/?sort=expires&size=200&page=%d", page))
		walk(doc, func(n *html.Node) {
			if id, _ := attribute(n, "id"); strings.HasPrefix(id, "row-") {
				if seen[id] {
					t.Errorf("%s is on two pages", id)
				}
				seen[id] = true
			}
		})
	}
	if len(seen) != 1234 {
		t.Errorf("%d of 1234 are on a page", len(seen))
	}
	if got := content(byID(t, document(t, h, "/?page=9999"), "found")); got != "1,201–1,234 of 1,234" {
		t.Errorf("after the last page: %q", got)
	}
	if body := ask(t, h, http.MethodGet, "/").body; len(body) > 150<<10 {
		t.Errorf("a page takes %d bytes", len(body))
	}
}

func TestPagerNear(t *testing.T) {
	for _, c := range []struct {
		page, pages int
		want        []int
	}{
		{1, 1, []int{1}}, {1, 3, []int{1, 2, 3}}, {5, 9, []int{1, 0, 4, 5, 6, 0, 9}}, {1, 200, []int{1, 2, 0, 200}}, {200, 200, []int{1, 0, 199, 200}},
	} {
		if got := (Pager{Page: c.page, Pages: c.pages}).Near(); !slices.Equal(got, c.want) {
			t.Errorf("%d of %d: got %v, want %v", c.page, c.pages, got, c.want)
		}
	}
}

// What the table says of itself to who cannot see it.
func TestTheTableTellsItsOrder(t *testing.T) {
	doc := document(t, handler(t, everything()), "/?sort=expires&dir=desc")
	sorted := map[string]string{}
	walk(doc, func(n *html.Node) {
		if v, ok := attribute(n, "aria-sort"); ok {
			sorted[content(n)] = v
		}
	})
	if len(sorted) != 5 || sorted["Expires ▼"] != "descending" || sorted["State"] != "none" {
		t.Errorf("%v", sorted)
	}
}

func TestEmpty(t *testing.T) {
	h := handler(t, &caches{})
	for path, want := range map[string]string{
		"/": "No Certificates yet.", "/?state=Ready": "No Certificates yet.", "/issuers": "No issuers yet.", "/challenges": "No challenges are under way.", "/webhooks": "No sets of webhook certificates.",
	} {
		if got := content(byID(t, document(t, h, path), "main")); !strings.Contains(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
	h.options.Places = 0
	if got := content(byID(t, document(t, h, "/challenges"), "main")); !strings.Contains(got, "does not work on challenges") {
		t.Error(got)
	}
	h.options.Caches = &caches{empty: true}
	if got := content(byID(t, document(t, h, "/"), "notice")); !strings.Contains(got, "not filled yet") {
		t.Error(got)
	}
}

// The list is judged anew for each answer, so that this is its cost: see
// BenchmarkOverview. A copy of what is cached would show here.
func TestThousandsTakeLittleMemory(t *testing.T) {
	c := thousands(10000)
	o := Options{Caches: c}
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			o.overview(Query{Sort: "state", Page: 1, Size: 50}, now)
		}
	})
	if most := int64(8 << 20); r.AllocedBytesPerOp() > most {
		t.Errorf("%d bytes for 10,000 Certificates, want at most %d", r.AllocedBytesPerOp(), most)
	}
}

func BenchmarkOverview(b *testing.B) {
	o := Options{Caches: thousands(10000)}
	b.ReportAllocs()
	for b.Loop() {
		o.overview(Query{Text: "c0 example", Sort: "issuer", Page: 1, Size: 50}, now)
	}
}
