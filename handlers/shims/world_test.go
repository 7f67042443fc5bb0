package shims

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	cmfake "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// world is a namespace with parents, as the handler sees it.
type world struct {
	t         testing.TB
	client    *cmfake.Clientset
	clock     *clocktesting.FakePassiveClock
	handler   *Handler
	settings  Settings
	unsynced  bool
	ingresses map[string]*networkingv1.Ingress
	gateways  map[string]*gatewayv1.Gateway
	sets      map[string]*gatewayv1.ListenerSet
	routes    []*gatewayv1.HTTPRoute
	crts      map[string]*cmapi.Certificate // what the cache shows
	version   int
	reads     int // questions to the cache
	refuse    error

	writes, events []string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, client: cmfake.NewSimpleClientset(), clock: clocktesting.NewFakePassiveClock(now), ingresses: map[string]*networkingv1.Ingress{},
		gateways: map[string]*gatewayv1.Gateway{}, sets: map[string]*gatewayv1.ListenerSet{}, crts: map[string]*cmapi.Certificate{},
		settings: Settings{Issuer: cmmeta.IssuerReference{Kind: "Issuer", Group: "cert-manager.io"}, AutoAnnotations: []string{"kubernetes.io/tls-acme"}}}
	w.client.PrependReactor("*", "certificates", w.react)
	w.restart()
	return w
}

func (w *world) react(a clienttesting.Action) (bool, runtime.Object, error) {
	name := ""
	switch a := a.(type) {
	case clienttesting.CreateAction:
		crt := a.GetObject().(*cmapi.Certificate)
		name = crt.Name
		if crt.UID == "" {
			crt.UID = types.UID("uid-of-" + name)
		}
	case clienttesting.PatchAction:
		name = a.GetName()
	case clienttesting.DeleteAction:
		name = a.GetName()
	}
	w.writes = append(w.writes, a.GetVerb()+" "+name)
	return w.refuse != nil, nil, w.refuse
}

func (w *world) restart() {
	w.handler = &Handler{Cache: w, Client: w.client.CertmanagerV1(), Settings: w.settings, Events: w, Clock: w.clock}
}

// show has the cache show what is stored.
func (w *world) show() {
	w.t.Helper()
	list, err := w.client.Tracker().List(cmapi.SchemeGroupVersion.WithResource("certificates"), cmapi.SchemeGroupVersion.WithKind("Certificate"), "shop")
	if err != nil {
		w.t.Fatal(err)
	}
	w.crts = map[string]*cmapi.Certificate{}
	for _, crt := range list.(*cmapi.CertificateList).Items {
		w.crts[crt.Name] = crt.DeepCopy()
	}
}

// handle serves a key once.
func (w *world) handle(kind queue.Kind, name string) queue.Result {
	w.t.Helper()
	result, err := w.handler.Handle(w.t.Context(), queue.Key{Kind: kind, Namespace: "shop", Name: name})
	if err != nil {
		w.t.Errorf("handle %s %s: %v", kind, name, err)
	}
	w.show()
	return result
}

// settle serves all parents until nothing is written any more, and then once
// more in a new process, which must not write either.
func (w *world) settle() {
	w.t.Helper()
	for range 10 {
		before := len(w.writes)
		w.handleAll()
		if len(w.writes) == before {
			kept := w.events
			w.restart()
			w.handleAll()
			if len(w.writes) != before {
				w.t.Errorf("a new process writes again: %q", w.writes[before:])
			}
			w.events = kept
			return
		}
	}
	w.t.Errorf("it never settles: %q", w.writes)
}

func (w *world) handleAll() {
	w.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(w.ingresses)) {
		w.handle(queue.Ingress, name)
	}
	for _, name := range slices.Sorted(maps.Keys(w.gateways)) {
		w.handle(queue.Gateway, name)
	}
	for _, name := range slices.Sorted(maps.Keys(w.sets)) {
		w.handle(queue.ListenerSet, name)
	}
}

// expect compares what was written and told since the last time; each event is
// the beginning of one.
func (w *world) expect(writes []string, events ...string) {
	w.t.Helper()
	if diff := cmp.Diff(writes, w.writes, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("writes (-want +got):\n%s", diff)
	}
	got := slices.Clone(w.events)
	for i := range got {
		if i < len(events) && strings.HasPrefix(got[i], events[i]) {
			got[i] = events[i]
		}
	}
	if diff := cmp.Diff(events, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("events (-want +got):\n%s", diff)
	}
	w.writes, w.events = nil, nil
}

// Event records "Ingress/web Warning BadConfig: text".
func (w *world) Event(o runtime.Object, kind, reason, text string) {
	ref := o.(*corev1.ObjectReference)
	w.events = append(w.events, fmt.Sprintf("%s/%s %s %s: %s", ref.Kind, ref.Name, kind, reason, text))
}
func (w *world) Eventf(o runtime.Object, kind, reason, format string, args ...any) {
	w.Event(o, kind, reason, fmt.Sprintf(format, args...))
}
func (w *world) AnnotatedEventf(o runtime.Object, _ map[string]string, kind, reason, format string, args ...any) {
	w.Eventf(o, kind, reason, format, args...)
}

func (w *world) ShimsSynced(queue.Kind) bool { return !w.unsynced }
func (w *world) Ingress(_, name string) *networkingv1.Ingress {
	w.reads++
	return w.ingresses[name]
}
func (w *world) Gateway(_, name string) *gatewayv1.Gateway         { return w.gateways[name] }
func (w *world) ListenerSet(_, name string) *gatewayv1.ListenerSet { return w.sets[name] }
func (w *world) RoutesOf(queue.Kind, string, string) []*gatewayv1.HTTPRoute {
	return w.routes
}
func (w *world) Certificate(_, name string) *cmapi.Certificate { return w.crts[name] }

func (w *world) CertificatesBySecret(_, secret string) []*cmapi.Certificate {
	return w.choose(func(crt *cmapi.Certificate) bool { return crt.Spec.SecretName == secret })
}

func (w *world) CertificatesOwnedBy(o metav1.Object) []*cmapi.Certificate {
	return w.choose(func(crt *cmapi.Certificate) bool {
		return slices.ContainsFunc(crt.OwnerReferences, func(r metav1.OwnerReference) bool { return r.UID == o.GetUID() })
	})
}

func (w *world) choose(want func(*cmapi.Certificate) bool) (chosen []*cmapi.Certificate) {
	for _, crt := range w.crts {
		if want(crt) {
			chosen = append(chosen, crt)
		}
	}
	return chosen
}

func (w *world) NamesSecret(kind queue.Kind, _, secret string) (names []string) {
	for name := range w.parents(kind) {
		if p := w.handler.parent(kind, "shop", name); slices.Contains(p.Named, secret) {
			names = append(names, name)
		}
	}
	return names
}

func (w *world) parents(kind queue.Kind) map[string]bool {
	all := map[string]bool{}
	switch kind {
	case queue.Ingress:
		for name := range w.ingresses {
			all[name] = true
		}
	case queue.Gateway:
		for name := range w.gateways {
			all[name] = true
		}
	default:
		for name := range w.sets {
			all[name] = true
		}
	}
	return all
}

func (w *world) meta(name string, annotations ...string) metav1.ObjectMeta {
	w.version++
	m := metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("uid-of-" + name), ResourceVersion: strconv.Itoa(w.version),
		CreationTimestamp: metav1.NewTime(now.Add(time.Duration(w.version) * time.Hour))}
	for i := 0; i < len(annotations); i += 2 {
		metav1.SetMetaDataAnnotation(&m, annotations[i], annotations[i+1])
	}
	return m
}

// ingress makes one with an entry for a Secret; it is younger than those before.
func (w *world) ingress(name, secret string, hosts []string, annotations ...string) *networkingv1.Ingress {
	ing := &networkingv1.Ingress{ObjectMeta: w.meta(name, annotations...)}
	ing.Spec.TLS = []networkingv1.IngressTLS{{Hosts: hosts, SecretName: secret}}
	w.ingresses[name] = ing
	return ing
}

func byIssuer(more ...string) []string {
	return append([]string{"cert-manager.io/issuer", "ca"}, more...)
}

// put has somebody else make or change a Certificate.
func (w *world) put(crt *cmapi.Certificate) {
	w.t.Helper()
	tracker, r := w.client.Tracker(), cmapi.SchemeGroupVersion.WithResource("certificates")
	crt.Namespace = "shop"
	if crt.UID == "" {
		crt.UID = types.UID("uid-of-" + crt.Name)
	}
	err := tracker.Update(r, crt, "shop")
	if err != nil {
		err = tracker.Create(r, crt, "shop")
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.show()
}

// wanted is a Certificate as the handler makes it for an Ingress, to be edited.
func wanted(secret, owner string, hosts ...string) *cmapi.Certificate {
	yes := true
	return &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: secret, UID: types.UID("uid-of-" + secret), OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "networking.k8s.io/v1", Kind: "Ingress", Name: owner, UID: types.UID("uid-of-" + owner), Controller: &yes, BlockOwnerDeletion: &yes}}},
		Spec: cmapi.CertificateSpec{
			SecretName: secret, DNSNames: hosts, IssuerRef: cmmeta.IssuerReference{Name: "ca", Kind: "Issuer", Group: "cert-manager.io"},
			Usages: []cmapi.KeyUsage{"digital signature", "key encipherment"}},
	}
}

// has compares a stored Certificate.
func (w *world) has(want *cmapi.Certificate) {
	w.t.Helper()
	got := w.crts[want.Name]
	if got == nil {
		w.t.Errorf("there is no Certificate %q", want.Name)
		return
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(metav1.ObjectMeta{}, "ResourceVersion"), cmpopts.IgnoreFields(cmapi.Certificate{}, "TypeMeta")); diff != "" {
		w.t.Errorf("Certificate %q (-want +got):\n%s", want.Name, diff)
	}
}
