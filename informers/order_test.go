package informers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// The six watches are six connections: what happens in one order at the API
// server arrives in any order that keeps that of each resource. Whatever the
// order, every key must be woken after the last event that its handler would
// look at, or the handler's last word is about a state that is no more.

// news is one event of one watch: the object after it, or nil when it is gone.
type news struct {
	before, after object
}

func added(o object) news          { return news{after: o} }
func deleted(o object) news        { return news{before: o} }
func changed(from, to object) news { return news{before: from, after: to} }

// history is what the watches tell, each in its order.
type history map[string][]news

const (
	ofCertificates   = "certificates"
	ofRequests       = "requests"
	ofIssuers        = "issuers"
	ofClusterIssuers = "clusterissuers"
	ofOwnSecrets     = "own secrets"
	ofForeignSecrets = "foreign secrets"
)

// at gives an object a resourceVersion, so that its states can be told apart.
func at[T object](o T, version string) T {
	o = o.DeepCopyObject().(T)
	o.SetResourceVersion(version)
	return o
}

func histories() map[string]history {
	web := certificate("shop", "web", "tls")
	key, target := keySecretOf(web, "web-key"), ownSecret("shop", "tls")
	made := controlled(withKey(request("shop", "web-1", "Issuer", "ca"), "web-key"), web)
	byHand := withKey(request("shop", "hand", "Issuer", "ca"), "hand-key")
	ca, pair := issuer("shop", "ca", "ca-tls"), foreignSecret("shop", "ca-tls")
	public, root := clusterIssuer("ca", "ca-tls"), foreignSecret("kube-system", "ca-tls")
	rival, moved := certificate("shop", "rival", "tls"), certificate("shop", "rival", "other")
	passwords := withPasswords(certificate("shop", "keystores", "ks-tls"), "jks", "p12")
	return map[string]history{
		"an issuance": {
			ofCertificates: {added(at(web, "1")), changed(at(web, "1"), at(web, "7"))},
			ofRequests:     {added(at(made, "4")), changed(at(made, "4"), at(ended(made, "Issued"), "5"))},
			ofOwnSecrets:   {added(at(key, "3")), added(at(target, "6")), deleted(at(key, "3"))},
			ofIssuers:      {added(at(ca, "2"))},
		},
		"a request that waits for a CA and a key": {
			ofRequests:       {added(at(byHand, "1")), changed(at(byHand, "1"), at(ended(byHand, "Pending"), "2"))},
			ofIssuers:        {added(at(ca, "3")), changed(at(ca, "3"), at(ca, "5"))},
			ofForeignSecrets: {added(at(pair, "4")), changed(at(pair, "4"), at(pair, "6")), added(at(foreignSecret("shop", "hand-key"), "7"))},
		},
		"a CA that is replaced while a request waits": {
			ofRequests:   {added(at(byHand, "3"))},
			ofIssuers:    {added(at(ca, "2"))},
			ofOwnSecrets: {added(at(ownSecret("shop", "ca-tls"), "1")), deleted(at(ownSecret("shop", "ca-tls"), "1")), added(at(ownSecret("shop", "ca-tls"), "4"))},
		},
		"a request for a ClusterIssuer": {
			ofRequests:       {added(at(request("shop", "r", "ClusterIssuer", "ca"), "1"))},
			ofClusterIssuers: {added(at(public, "2")), changed(at(public, "2"), at(public, "4"))},
			ofForeignSecrets: {added(at(root, "3")), changed(at(root, "3"), at(root, "5")), deleted(at(root, "5"))},
		},
		"two Certificates on one Secret": {
			ofCertificates: {added(at(web, "1")), added(at(rival, "2")), changed(at(rival, "2"), at(moved, "4")), deleted(at(web, "1"))},
			ofOwnSecrets:   {added(at(target, "3")), deleted(at(target, "3")), added(at(target, "5"))},
		},
		"a Secret that loses our label": {
			ofCertificates:   {added(at(web, "1")), changed(at(web, "1"), at(web, "5"))},
			ofOwnSecrets:     {added(at(target, "2")), deleted(at(target, "3"))},
			ofForeignSecrets: {added(at(foreignSecret("shop", "tls"), "3")), changed(at(target, "3"), at(target, "4"))},
		},
		"passwords that come late": {
			ofCertificates:   {added(at(passwords, "1")), changed(at(passwords, "1"), at(passwords, "4"))},
			ofForeignSecrets: {added(at(foreignSecret("shop", "jks"), "2")), added(at(foreignSecret("shop", "p12"), "3")), changed(at(foreignSecret("shop", "jks"), "2"), at(foreignSecret("shop", "jks"), "5"))},
		},
		"a Certificate deleted and made again": {
			ofCertificates: {added(at(web, "1")), deleted(at(web, "1")), added(at(renamedUID(web), "4"))},
			ofRequests:     {added(at(made, "2")), deleted(at(made, "2"))},
			ofOwnSecrets:   {added(at(key, "3")), deleted(at(key, "3"))},
		},
	}
}

func renamedUID(crt *cmapi.Certificate) *cmapi.Certificate {
	crt = crt.DeepCopy()
	crt.UID = "uid-of-a-namesake"
	return crt
}

func TestTheEventsOfAScenarioInEveryOrder(t *testing.T) {
	t.Parallel()
	for name, h := range histories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want map[queue.Key]string
			orders, options := 0, newCluster(t).options()
			for order := range interleavings(h) {
				o := newObserver(t, options)
				for _, step := range order {
					o.apply(step)
				}
				if want == nil {
					want = o.now()
				}
				if diff := cmp.Diff(want, o.now()); diff != "" {
					t.Fatalf("%s\nanother end state (-first +this):\n%s", describeOrder(order), diff)
				}
				if diff := cmp.Diff(o.now(), o.seen); diff != "" {
					t.Fatalf("%s\nsomebody's last look is out of date (-state +seen):\n%s", describeOrder(order), diff)
				}
				orders++
			}
			t.Logf("%d orders", orders)
		})
	}
}

// told is one event of the named watch.
type told struct {
	watch string
	news  news
}

// interleavings yields every order that keeps the order of each watch.
func interleavings(h history) func(yield func([]told) bool) {
	return func(yield func([]told) bool) {
		position := map[string]int{}
		var walk func(so []told) bool
		walk = func(so []told) bool {
			end := true
			for watch, all := range h {
				if position[watch] == len(all) {
					continue
				}
				end = false
				next := told{watch, all[position[watch]]}
				position[watch]++
				goOn := walk(append(so[:len(so):len(so)], next))
				position[watch]--
				if !goOn {
					return false
				}
			}
			return !end || yield(so)
		}
		walk(nil)
	}
}

func describeOrder(order []told) string {
	var lines []string
	for _, step := range order {
		switch n := step.news; {
		case n.before == nil:
			lines = append(lines, fmt.Sprintf("%s: + %s@%s", step.watch, n.after.GetName(), n.after.GetResourceVersion()))
		case n.after == nil:
			lines = append(lines, fmt.Sprintf("%s: - %s", step.watch, n.before.GetName()))
		default:
			lines = append(lines, fmt.Sprintf("%s: ~ %s@%s", step.watch, n.after.GetName(), n.after.GetResourceVersion()))
		}
	}
	return strings.Join(lines, "\n")
}

// observer is a Set whose watches are played by hand, and whose queue handles
// each key at once by looking at all that its handler would look at.
type observer struct {
	set      *Set
	handlers map[string]waker
	indexers map[string]cache.Indexer
	seen     map[queue.Key]string // what the last look at a key found
}

func newObserver(t *testing.T, options Options) *observer {
	set := New(options)
	o := &observer{set: set, seen: map[queue.Key]string{}, handlers: map[string]waker{}, indexers: map[string]cache.Indexer{}}
	names := map[watched]string{
		set.certificates: ofCertificates, set.requests: ofRequests, set.issuers: ofIssuers,
		set.clusterIssuers: ofClusterIssuers, set.secrets.own: ofOwnSecrets, set.secrets.foreign: ofForeignSecrets}
	for _, r := range set.routes() {
		name, ok := names[r.from]
		if !ok {
			t.Fatalf("a store that this test does not know: %s", r.from.gvr())
		}
		o.handlers[name] = waker{set: set, to: r.to, q: o}
	}
	o.indexers[ofCertificates] = set.certificates.informers[""].GetIndexer()
	o.indexers[ofRequests] = set.requests.informers[""].GetIndexer()
	o.indexers[ofIssuers] = set.issuers.informers[""].GetIndexer()
	o.indexers[ofClusterIssuers] = set.clusterIssuers.informers[""].GetIndexer()
	o.indexers[ofOwnSecrets] = set.secrets.own.informers[""].GetIndexer()
	o.indexers[ofForeignSecrets] = set.secrets.foreign.informers[""].GetIndexer()
	return o
}

// apply does to a cache what an informer does on an event, and then tells.
func (o *observer) apply(step told) {
	before, after := forCache(step.watch, step.news.before), forCache(step.watch, step.news.after)
	indexer, handler := o.indexers[step.watch], o.handlers[step.watch]
	switch {
	case before == nil:
		must(indexer.Add(after))
		handler.OnAdd(after, false)
	case after == nil:
		must(indexer.Delete(before))
		handler.OnDelete(before)
	default:
		must(indexer.Update(after))
		handler.OnUpdate(before, after)
	}
}

// forCache is the form in which a watch has an object.
func forCache(watch string, o object) any {
	if o == nil {
		return nil
	}
	if s, ok := o.(*corev1.Secret); ok && watch == ofForeignSecrets {
		return metadataOf(s)
	}
	return o
}

// Add makes the observer a queue that handles each key at once.
func (o *observer) Add(k queue.Key) {
	if look := o.look(k); look != "" {
		o.seen[k] = look
	} else {
		delete(o.seen, k)
	}
}

// now is what a look at each key that exists would find.
func (o *observer) now() map[queue.Key]string {
	all := map[queue.Key]string{}
	for k := range o.set.Keys() {
		all[k] = o.look(k)
	}
	for _, cr := range o.set.requests.list() {
		k := key(queue.CertificateRequest, cr)
		all[k] = o.look(k)
	}
	return all
}

// look is the state that the handler of a key depends on, "" when the object
// is gone. What only counts at the moment of acting, and is looked at again
// then, is left out: the issuer of a Certificate, which chooses the path.
func (o *observer) look(k queue.Key) string {
	s := o.set
	switch k.Kind {
	case queue.Certificate:
		crt := s.Certificate(k.Namespace, k.Name)
		if crt == nil {
			return ""
		}
		look := "itself " + versions(crt) + " claimants " + versions(s.CertificatesBySecret(k.Namespace, crt.Spec.SecretName)...) +
			" requests " + versions(s.RequestsOf(crt)...) + " keys " + versions(s.KeySecretsOf(crt)...)
		for _, name := range append([]string{crt.Spec.SecretName}, keystorePasswords(crt.Spec.Keystores)...) {
			look += " secret " + o.secret(k.Namespace, name)
		}
		return look
	case queue.CertificateRequest:
		cr := s.Request(k.Namespace, k.Name)
		switch {
		case cr == nil:
			return ""
		case api.RequestFinal(cr):
			return "ended " + versions(cr)
		}
		look := "itself " + versions(cr) + " key " + o.secret(k.Namespace, cr.Annotations[cmapi.CertificateRequestPrivateKeyAnnotationKey])
		if i := s.IssuerFor(k.Namespace, cr.Spec.IssuerRef); i != nil {
			look += " issuer " + versions(i) + " pair " + o.caPair(i)
		}
		return look
	case queue.Issuer:
		if i := s.Issuer(k.Namespace, k.Name); i != nil {
			return "itself " + versions(i) + " pair " + o.caPair(i)
		}
	case queue.ClusterIssuer:
		if i := s.ClusterIssuer(k.Name); i != nil {
			return "itself " + versions(i) + " pair " + o.caPair(i)
		}
	}
	return ""
}

func (o *observer) caPair(i cmapi.GenericIssuer) string {
	namespace := i.GetNamespace()
	if namespace == "" {
		namespace = o.set.options.ClusterNamespace
	}
	return o.secret(namespace, i.GetSpec().CA.SecretName)
}

func (o *observer) secret(namespace, name string) string {
	if own, ok := o.set.secrets.own.get(namespace, name); ok {
		return versions(own)
	}
	if foreign, ok := o.set.secrets.foreign.get(namespace, name); ok {
		return versions(foreign)
	}
	return "none"
}

func versions[T metav1.Object](objs ...T) string {
	var all []string
	for _, o := range objs {
		all = append(all, o.GetName()+"@"+o.GetResourceVersion())
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}
