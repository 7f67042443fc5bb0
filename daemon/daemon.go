package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/queue"
	"github.com/certwright/certwright/scheduler"

	"k8s.io/klog/v2"
)

// Run runs the daemon until ctx ends, and returns when all of it has stopped.
// version is what it calls itself. Errors: what kept it from starting or what
// ended it before its time.
func Run(ctx context.Context, cfg config.Config, version string) error {
	cfg, err := inItsNamespace(cfg)
	if err != nil {
		return err
	}
	thriftyMemory()
	go returnMemory(ctx)
	for {
		moved, err := serve(ctx, cfg, version)
		if !moved || err != nil || ctx.Err() != nil {
			return err
		}
		klog.FromContext(ctx).Info("Starting again in the same process, over the kubeconfig as it is now")
	}
}

// serve is one life of the daemon. moved is set when it ended because the
// kubeconfig has come to name another API server.
func serve(ctx context.Context, cfg config.Config, version string) (moved bool, err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	clients, line, err := connect(ctx, cfg, version)
	if err != nil {
		return false, err
	}
	var keeping sync.WaitGroup
	keeping.Go(func() { line.Keep(ctx, func() { moved = true; end(config.ErrReload) }) })
	err = New(cfg, clients).Run(ctx)
	end(nil)
	keeping.Wait()
	return moved, err
}

// Daemon is one certwright.
type Daemon struct {
	cfg     config.Config
	clients Clients
	set     *informers.Set
	queue   *queue.Queue
	files   *files // nil when none are written
	instruments
	health *health
	board  leaseBoard
	name   string // by which it holds the lease
}

// New puts a daemon together; nothing runs before Run.
func New(cfg config.Config, c Clients) *Daemon {
	d := &Daemon{cfg: cfg, clients: c, name: uniqueName(), instruments: newInstruments(c.UserAgent, cfg.Keeps())}
	d.set = informers.New(informers.Options{
		Core: c.Core, CertManager: c.CertManager, Metadata: c.Metadata, Served: c.Served,
		Namespaces: cfg.Namespaces, ClusterNamespace: cfg.ClusterResourceNamespace,
		SigningRequests: cfg.Runs(config.SigningRequests), WebhookSets: sets(cfg), Plural: c.Plural,
		Injectables: injectables(cfg), ACME: cfg.Runs(config.Orders) || cfg.Runs(config.Challenges) || cfg.Runs(config.CertificateRequests), // who waits for Orders
		Shims: shimOptions(cfg, c), Restarts: cfg.Runs(config.Restarts),
	})
	d.queue = queue.New(queue.Options{
		LocalWorkers: cfg.ConcurrentWorkers, RemoteWorkers: cfg.ConcurrentRemoteWorkers,
		Grace: grace(cfg.ShutdownGracePeriod), Shards: cfg.Shards, Registerer: d.metrics, Waited: d.waited,
	})
	d.ca = d.newCA()
	d.files = newFiles(cfg, c)
	d.health = newHealth(func() bool { return (!cfg.Keeps() || d.set.Synced()) && d.files.ready() })
	d.registerMetrics()
	return d
}

// grace is a grace period as the queue takes it, to which zero is its default.
func grace(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// Run runs the daemon until ctx ends, and returns when all of it has stopped.
func (d *Daemon) Run(ctx context.Context) (err error) {
	endTracing, err := d.startTracing(ctx)
	if err != nil {
		return err
	}
	defer endTracing()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	logger := klog.FromContext(ctx)
	defer d.queue.ShutDown() // it may end before the queue has run
	sweeps, err := scheduler.New(scheduler.Options{Queue: d.queue, Registerer: d.metrics}, sweep(d.cfg, d.set), webhookSweep(d.cfg, d.set), solverSweep(d.cfg))
	if err != nil {
		return err
	}
	supervisor, err := newSupervisor(d.health)
	if err != nil {
		return err
	}
	servers, err := d.listen()
	if err != nil {
		return err
	}
	answering, err := d.listenForValidation()
	if err != nil {
		servers.close()
		return err
	}
	// What carries the work outlives ctx: handlers in flight need caches and
	// the lease until they have returned.
	under, release := context.WithCancel(context.WithoutCancel(ctx))
	var carrying sync.WaitGroup
	defer carrying.Wait()
	defer release()
	defer func() { end(err) }() // of itself, too: a supervisor is told which end it is
	carrying.Go(func() { servers.run(under) })
	carrying.Go(func() { answering.run(under) })
	carrying.Go(func() { supervisor.run(ctx, under) })
	carrying.Go(func() { d.files.run(ctx, under) })
	if !d.cfg.Keeps() { // files alone take no lease, and no right but to their Secrets
		<-ctx.Done()
		return nil
	}
	events, stopEvents := d.recorder(under)
	defer stopEvents()

	d.announce(ctx)
	d.examineFirst(ctx)
	d.set.Wake(d.queue)
	carrying.Go(func() { d.set.Run(under) })
	gauges := newWebhookGauges()
	d.metrics.MustRegister(gauges)
	backends, acme := d.backends(), d.acmeServers()
	handlers := func() map[queue.Kind]queue.Handler {
		return d.traced(wire(d.cfg, d.clients, d.set, events, d.ended, gauges, backends, acme))
	}
	if d.cfg.Shards > 1 {
		err = d.share(ctx, under, sweeps.Run, handlers)
		logger.Info("Stopped")
		return err
	}
	err = d.serveQueue(under, func() error { return d.lead(ctx, under, d.term(sweeps.Run, handlers)) })
	logger.Info("Stopped")
	return err
}

// serveQueue runs the queue's workers beside terms, which give them work.
func (d *Daemon) serveQueue(under context.Context, terms func() error) error {
	serving, end := context.WithCancel(under)
	defer end()
	served := make(chan error, 1)
	go func() { served <- d.queue.Serve(serving) }()
	err := terms()
	end()
	return errors.Join(err, <-served)
}

// term is one time of work, until its context ends. What the handlers remember
// holds on as long as nobody else has been at work: the key of a request whose
// answer was lost, among others.
func (d *Daemon) term(sweep func(context.Context), handlers func() map[queue.Kind]queue.Handler) func(context.Context, bool) error {
	var table map[queue.Kind]queue.Handler
	return func(ctx context.Context, kept bool) error {
		if err := d.waitForCaches(ctx); err != nil {
			return nil // told to stop before there was anything to do
		}
		if table == nil || !kept {
			table = handlers()
		}
		klog.FromContext(ctx).Info("At work", "certificates", len(d.set.Certificates()), "keysWaiting", d.queue.Len())
		var sweeping sync.WaitGroup
		sweeping.Go(func() { sweep(ctx) })
		defer sweeping.Wait()
		defer d.standing.work()()
		err := d.queue.Work(ctx, queue.Term{Handlers: table, Keys: d.everyKey()})
		return errors.Join(err, quiet(table))
	}
}

// cacheReport is how often a start that waits says what it waits for.
const cacheReport = 15 * time.Second

// waitForCaches waits until all that exists is known, and says what is missing
// when that takes long.
func (d *Daemon) waitForCaches(ctx context.Context) error {
	logger := klog.FromContext(ctx)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	told := time.Now().Add(-cacheReport + 2*time.Second)
	for !d.set.Synced() {
		if time.Since(told) > cacheReport && d.unserved() == "" { // else that is told already
			told = time.Now()
			logger.Info("Waiting for the caches", "missingAPIs", fmt.Sprint(d.set.Missing()), "remedy", missingRemedy)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// unserved says what keeps the API server from serving us; "" when nothing does.
func (d *Daemon) unserved() string {
	if d.clients.Fault == nil {
		return ""
	}
	return d.clients.Fault()
}

const missingRemedy = "install missing APIs with: kubectl apply -k deploy/crds"

// errLostLease ends a daemon that another one may have replaced.
var errLostLease = errors.New("the lease was lost: another replica may be at work, or the API server could not be reached in time")
