package status

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/certwright/certwright/internal/api"
)

// Live is what Reader.All reads, and the Orders and Challenges too, kept up to
// date by watches. What may not be watched is told as unread.
type Live struct {
	certs   versioned.Interface
	name    string // of the only Certificate looked at; empty: all
	changed chan struct{}

	certificates, requests, issuers, clusterIssuers, orders, challenges cache.SharedIndexInformer

	mu      sync.Mutex
	trouble map[string]error // by resource: what its last call met
}

// NewLive watches a namespace, or all with "", and there the Certificate of a
// name, or all of them.
func NewLive(certs versioned.Interface, namespace, name string) *Live {
	l := &Live{certs: certs, name: name, changed: make(chan struct{}, 1), trouble: map[string]error{}}
	cm, acme := certs.CertmanagerV1(), certs.AcmeV1()
	selector := ""
	if name != "" {
		selector = fields.OneTermEqualSelector("metadata.name", name).String()
	}
	l.certificates = follow(l, certificates, selector, &cmapi.Certificate{}, cm.Certificates(namespace))
	l.requests = follow(l, requests, "", &cmapi.CertificateRequest{}, cm.CertificateRequests(namespace))
	l.issuers = follow(l, issuers, "", &cmapi.Issuer{}, cm.Issuers(namespace))
	l.clusterIssuers = follow(l, clusterIssuers, "", &cmapi.ClusterIssuer{}, cm.ClusterIssuers())
	l.orders = follow(l, orders, "", &cmacme.Order{}, acme.Orders(namespace))
	l.challenges = follow(l, challenges, "", &cmacme.Challenge{}, acme.Challenges(namespace))
	return l
}

// What is watched, in the order in which troubles with them are told.
const (
	certificates   = "certificates"
	requests       = "certificaterequests"
	issuers        = "issuers"
	clusterIssuers = "clusterissuers"
	orders         = "orders"
	challenges     = "challenges"
)

type listWatcher[L runtime.Object] interface {
	List(context.Context, metav1.ListOptions) (L, error)
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
}

func follow[L runtime.Object](l *Live, what, field string, example runtime.Object, client listWatcher[L]) cache.SharedIndexInformer {
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = field
			list, err := client.List(ctx, o)
			l.met(ctx, what, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = field
			w, err := client.Watch(ctx, o)
			l.met(ctx, what, err)
			return w, err
		},
	}
	// A fake clientset cannot stream lists; it says so here.
	inf := cache.NewSharedIndexInformerWithOptions(cache.ToListWatcherWithWatchListSemantics(lw, l.certs), example, cache.SharedIndexInformerOptions{})
	poke := func(any) { l.poke() }
	for _, err := range []error{
		inf.SetTransform(lighten),
		inf.SetWatchErrorHandlerWithContext(func(context.Context, *cache.Reflector, error) {}), // met has heard of it
	} {
		if err != nil {
			panic(err) // they fail only once it has started
		}
	}
	if _, err := inf.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: poke, DeleteFunc: poke, UpdateFunc: func(_, after any) { poke(after) }}); err != nil {
		panic(err) // likewise
	}
	return inf
}

// lighten drops what is large and not judged.
func lighten(obj any) (any, error) {
	if o, ok := obj.(metav1.Object); ok {
		o.SetManagedFields(nil)
	}
	if cr, ok := obj.(*cmapi.CertificateRequest); ok {
		cr.Spec.Request, cr.Status.Certificate, cr.Status.CA = nil, nil, nil
	}
	return obj, nil
}

func (l *Live) poke() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// met notes how a call ended; one that we ended ourselves tells nothing.
func (l *Live) met(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	before := l.trouble[what]
	if err == nil {
		delete(l.trouble, what)
	} else {
		l.trouble[what] = err
	}
	l.mu.Unlock()
	if (before == nil) != (err == nil) {
		l.poke()
	}
}

// Run watches until ctx ends.
func (l *Live) Run(ctx context.Context) {
	ctx = klog.NewContext(ctx, klog.Logger{}) // troubles are shown, not logged
	var running sync.WaitGroup
	for _, inf := range l.all() {
		running.Go(func() { inf.RunWithContext(ctx) })
	}
	running.Go(func() {
		cache.WaitForCacheSync(ctx.Done(), l.certificates.HasSynced)
		l.poke() // also where there is none
	})
	running.Wait()
}

func (l *Live) all() map[string]cache.SharedIndexInformer {
	return map[string]cache.SharedIndexInformer{certificates: l.certificates, requests: l.requests, issuers: l.issuers,
		clusterIssuers: l.clusterIssuers, orders: l.orders, challenges: l.challenges}
}

// Changed holds a value whenever something may be different than before.
func (l *Live) Changed() <-chan struct{} { return l.changed }

// Complete reports whether all that exists and may be read is known.
func (l *Live) Complete() bool {
	for what, inf := range l.all() {
		if !inf.HasSynced() && (what == certificates || !l.refused(what)) {
			return false
		}
	}
	return true
}

func (l *Live) refused(what string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.trouble[what]
	return apierrors.IsForbidden(err) || apierrors.IsNotFound(err)
}

// Trouble is why what is shown may be old, or nil. What may not be read is no
// trouble: it is told where it matters.
func (l *Live) Trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(l.trouble)) {
		if err := l.trouble[what]; what == certificates || !apierrors.IsForbidden(err) && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// All is what is known now, in no order.
func (l *Live) All() []Observed {
	var all []Observed
	each(l.certificates, func(crt *cmapi.Certificate) {
		if l.name == "" || crt.Name == l.name {
			all = append(all, Observed{Certificate: crt})
		}
	})
	var asked []*cmapi.CertificateRequest
	each(l.requests, func(cr *cmapi.CertificateRequest) { asked = append(asked, cr) })
	join(all, asked, l.refused(requests), l.issuerSet())
	l.joinOrders(all)
	return all
}

func (l *Live) issuerSet() issuerSet {
	s := issuerSet{byKey: map[issuerKey]cmapi.GenericIssuer{}, unread: map[string]bool{
		cmapi.IssuerKind: l.refused(issuers), cmapi.ClusterIssuerKind: l.refused(clusterIssuers)}}
	each(l.issuers, func(i *cmapi.Issuer) { s.byKey[issuerKey{cmapi.IssuerKind, i.Namespace, i.Name}] = i })
	each(l.clusterIssuers, func(i *cmapi.ClusterIssuer) { s.byKey[issuerKey{cmapi.ClusterIssuerKind, "", i.Name}] = i })
	return s
}

func (l *Live) joinOrders(all []Observed) {
	ordersOf, challengesOf := map[types.UID]*cmacme.Order{}, map[types.UID][]*cmacme.Challenge{}
	each(l.orders, func(o *cmacme.Order) {
		if owner := metav1.GetControllerOf(o); owner != nil {
			ordersOf[owner.UID] = o
		}
	})
	each(l.challenges, func(ch *cmacme.Challenge) {
		if owner := metav1.GetControllerOf(ch); owner != nil {
			challengesOf[owner.UID] = append(challengesOf[owner.UID], ch)
		}
	})
	for i := range all {
		o := &all[i]
		if o.Request == nil || api.RequestFinal(o.Request) || ordersOf[o.Request.UID] == nil {
			continue
		}
		o.Order = ordersOf[o.Request.UID]
		o.Challenges = slices.SortedFunc(slices.Values(challengesOf[o.Order.UID]), func(a, b *cmacme.Challenge) int { return cmp.Compare(a.Name, b.Name) })
	}
}

func each[T any](inf cache.SharedIndexInformer, do func(T)) {
	for _, obj := range inf.GetStore().List() {
		if o, ok := obj.(T); ok {
			do(o)
		}
	}
}
