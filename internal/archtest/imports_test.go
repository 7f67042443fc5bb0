package archtest

import (
	"strings"
	"testing"
)

// room is a folder with all below it that is no room of its own.
type room struct {
	path string
	may  []string // what of ours it may import, besides itself
	why  string   // nothing else
}

// rooms is the table "Rooms" of ARCHITECTURE.md. The longest path that fits a
// folder counts; a path that ends in * makes a room of each folder there. A new
// package takes a line, or falls under one.
var rooms = []room{
	{"daemon", []string{"handlers", "informers", "scheduler", "queue", "internal", "daemon/config", "daemon/webpage"},
		"the daemon puts together what is below it; the command line is above it"},
	{"daemon/config", []string{"scheduler", "internal/dnscheck", "internal/shards", "internal/tracing", "internal/webhookset"},
		"options are judged without starting anything; only schedules, sets, shards and resolvers have judges of their own"},
	{"daemon/webpage", []string{"internal"}, "the page reads caches by narrow getters, judges, and shows; it starts and changes nothing"},
	{"daemon/certwright", []string{"daemon", "internal"},
		"a command observes the API and renders; what works on keys is the daemon's"},
	{"handlers/*", []string{"queue", "internal"},
		"a handler is the only writer of its objects: it is woken by keys, reads by narrow getters, and knows no other duty"},
	{"handlers", nil, "it is the contract, in words"},
	{"handlers/certificaterequests", []string{"queue", "internal", "handlers/issuers"}, "of other duties a request knows the Signer alone"},
	{"handlers/signingrequests", []string{"queue", "internal", "handlers/issuers"}, "of other duties a request knows the Signer alone"},
	{"handlers/issuers/*", []string{"queue", "internal", "handlers/issuers"}, "an issuer type knows the seam it stands behind, and no other type"},
	{"handlers/challenges/*", []string{"queue", "internal", "handlers/challenges"}, "a solver knows the seam it stands behind, and no other solver"},
	{"handlers/handlertest", []string{"handlers", "queue", "internal"}, "it runs handlers over fake clientsets, without caches or a daemon"},
	{"informers", []string{"queue", "internal/api", "internal/apply", "internal/webhookset"},
		"informers wake keys and answer lookups; who asks is not their business"},
	{"scheduler", []string{"queue"}, "the scheduler only enqueues"},
	{"queue", nil, "the queue knows keys, and not what they stand for"},
	{"internal/*", nil, "a leaf knows no queue, no duty and no other leaf"},
	{"internal/acme", []string{"internal/pki"}, "account keys and chains are read as all keys and chains are"},
	{"internal/verdict", []string{"internal/api", "internal/when"}, "a verdict is about the API, and tells times as people do"},
	{"internal/rules", []string{"internal/api", "internal/pki"}, "the rules of admission are said in terms of the API and of certificates"},
}

// roomOf is the room that a folder is in; nil when it is in none.
func roomOf(folder string) *room {
	var found *room
	for _, r := range rooms {
		parent, each := strings.CutSuffix(r.path, "/*")
		if each {
			r.path = childOf(parent, folder)
		}
		if r.path == "" || !under(folder, r.path) || found != nil && len(r.path) < len(found.path) {
			continue
		}
		if found == nil || len(r.path) > len(found.path) || !each { // a line for the very folder goes before one for many
			found = &r
		}
	}
	return found
}

// childOf is the folder right below parent that a folder is in, or is.
func childOf(parent, folder string) string {
	rest, ok := strings.CutPrefix(folder, parent+"/")
	if !ok {
		return ""
	}
	child, _, _ := strings.Cut(rest, "/")
	return parent + "/" + child
}

func TestImportDirections(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, shipped) {
		r := roomOf(f.folder)
		if r == nil {
			t.Errorf("%s: the folder is no room of ARCHITECTURE.md; beside daemon, handlers, informers, queue and scheduler only internal, test and docs stand", f.path)
			continue
		}
		for _, target := range f.imports {
			own, ok := strings.CutPrefix(target, module+"/")
			if !ok || under(own, r.may...) {
				continue
			}
			if to := roomOf(own); to == nil || to.path != r.path {
				t.Errorf("%s imports %s: %s", f.path, own, r.why)
			}
		}
	}
}

// The table itself: what is written in it must mean what it seems to.
func TestRooms(t *testing.T) {
	t.Parallel()
	for folder, want := range map[string]string{
		"queue/queuetest":         "queue",
		"handlers":                "handlers",
		"handlers/certificates":   "handlers/certificates",
		"handlers/issuers":        "handlers/issuers",
		"handlers/issuers/ca":     "handlers/issuers/ca",
		"internal/pki/keystore":   "internal/pki",
		"daemon/config/nearest":   "daemon/config",
		"daemon/certwright/pages": "daemon/certwright",
		"queues":                  "",
		".":                       "",
	} {
		got := ""
		if r := roomOf(folder); r != nil {
			got = r.path
		}
		if got != want {
			t.Errorf("%s is in room %q, want %q", folder, got, want)
		}
	}
}

// library is somebody else's package, which stays in some rooms, so that it can
// be replaced there.
type library struct {
	path  string
	rooms []string
	why   string
}

// eliminated says why there are no templates, not even in a command: what one
// part of the binary reaches counts for all of it. That others import them does
// no harm as long as none is run; `go build -ldflags=-dumpdep` names what calls
// methods so, as <ReflectMethod>.
const eliminated = "templates call methods by names that the linker cannot know, so that it keeps all methods of all types: 26 MB more"

var libraries = []library{
	{"github.com/robfig/cron", []string{"scheduler", "internal/pki"}, "schedules and renewal windows; whoever else needs a schedule asks the scheduler"},
	{"github.com/prometheus", []string{"daemon", "queue", "scheduler"}, "handlers are measured from outside"},
	{"github.com/spf13/cobra", []string{"daemon/certwright"}, "only the command line has commands"},
	{"github.com/spf13/pflag", []string{"daemon/certwright", "daemon/config"}, "only options are flags"},
	{"k8s.io/cli-runtime", []string{"daemon/certwright"}, "kubectl's flags are the command line's"},
	{"github.com/pavlo-v-chernykh/keystore-go", []string{"internal/pki"}, "the format of Java keystores"},
	{"software.sslmate.com/src/go-pkcs12", []string{"internal/pki"}, "the format of PKCS#12"},
	{"sigs.k8s.io/structured-merge-diff", []string{"internal/apply"}, "managed fields are read in one place"},
	{"golang.org/x/sync", []string{"informers"}, "one read for many readers of a Secret"},
	{"k8s.io/client-go/util/workqueue", []string{"queue"}, "the queue is ours to everyone else"},
	{"k8s.io/client-go/tools/cache", []string{"informers", "daemon"}, "caches are read through a Set; the daemon's sidecar part has a small one of its own"},
	{"k8s.io/client-go/tools/leaderelection", []string{"daemon"}, "whoever has work is not asked whether he leads"},
	{"k8s.io/client-go/tools/clientcmd", []string{"daemon"}, "clients are made in one place for each program"},
	{"github.com/mholt/acmez", []string{"internal/acme"}, "the ACME protocol is spoken in one place"},
	{"go.opentelemetry.io", []string{"internal/tracing"}, "what is traced is said in our words; how it is sent is known in one place"},
	{"github.com/go-acme/lego", nil, "its DNS providers are a program, and a module, of their own: daemon/lego"},
	{"golang.org/x/net/html", []string{"daemon/webpage"}, "only the page is HTML"},
	{"html/template", nil, eliminated},
	{"text/template", nil, eliminated},
	{"github.com/miekg/dns", []string{"internal/dnscheck", "handlers/challenges/dns01"}, "DNS is spoken in two places: to ask, and to update"},
	{"github.com/Azure", []string{"handlers/challenges/dns01"}, "Azure's SDK gets tokens for its DNS"},
	{"github.com/akamai", []string{"handlers/challenges/dns01"}, "Akamai's SDK signs requests for its DNS"},
	{"github.com/hashicorp/vault", []string{"handlers/issuers/vault"}, "Vault's SDK stays with its issuer type"},
	{"github.com/aws", []string{"handlers/challenges/dns01", "handlers/issuers/vault"}, "AWS's SDK signs logins and finds credentials, for who needs AWS"},
	{"github.com/Venafi/vcert", []string{"handlers/issuers/venafi"}, "Venafi's SDK stays with its issuer type"},
}

func TestOneLibraryInOneRoom(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, shipped) {
		for _, target := range f.imports {
			for _, l := range libraries {
				if under(target, l.path) && !under(f.folder, l.rooms...) {
					t.Errorf("%s imports %s, which stays in %s: %s", f.path, target, strings.Join(l.rooms, ", "), l.why)
				}
			}
		}
	}
}

// Of cert-manager's module its API is ours too; its ways are not.
func TestOnlyTheAPIOfCertManager(t *testing.T) {
	t.Parallel()
	const theirs = "github.com/cert-manager/cert-manager"
	for _, f := range files(t, func(file) bool { return true }) {
		for _, target := range f.imports {
			switch {
			case !under(target, theirs):
			case under(target, theirs+"/pkg/client/informers"):
				t.Errorf("%s imports %s: informers are written by hand here", f.path, target)
			case !under(target, theirs+"/pkg/apis", theirs+"/pkg/client"):
				t.Errorf("%s imports %s: only pkg/apis and pkg/client of cert-manager are used", f.path, target)
			}
		}
	}
}

// support is what tests need in other packages.
var support = []string{"queue/queuetest", "handlers/handlertest", "internal/acme/acmetest", "internal/dnscheck/dnstest", "handlers/challenges/dns01/record/recordtest", "handlers/issuers/venafi/venafitest"}

// What is made for tests stays out of what is shipped.
func TestNoTestCodeIsShipped(t *testing.T) {
	t.Parallel()
	made := []string{
		"testing", "net/http/httptest", "pgregory.net/rapid", "github.com/google/go-cmp",
		"k8s.io/client-go/kubernetes/fake", "k8s.io/client-go/metadata/fake", "k8s.io/client-go/testing", "k8s.io/utils/clock/testing",
		"github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake",
	}
	for _, s := range support {
		made = append(made, module+"/"+s)
	}
	for _, f := range files(t, func(f file) bool { return shipped(f) && !under(f.folder, support...) }) {
		for _, target := range f.imports {
			if under(target, made...) {
				t.Errorf("%s imports %s, which is for tests", f.path, target)
			}
		}
	}
}
