package daemon

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/handlers/challenges/http01"
	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/internal/responder"
	"github.com/certwright/certwright/queue"
	"github.com/certwright/certwright/scheduler"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// answering answers HTTP-01 validation. It needs no lease, only the cache: an
// ingress controller may ask any replica.
type answering struct {
	listener net.Listener
	set      *informers.Set
}

// listenForValidation opens the port, so that one already taken is told at the
// start; nil when none is wanted. It puts the port that was found into d.cfg
// where the options leave the choice to the system.
func (d *Daemon) listenForValidation() (*answering, error) {
	address := d.cfg.ACMEHTTP01SolverListenAddress
	if address == config.Off || !d.cfg.Runs(config.Challenges) || d.cfg.ACMEHTTP01SolverMode == config.SolverPod {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w; choose another address with --acme-http01-solver-listen-address (%q answers no HTTP-01 challenges)", err, config.Off)
	}
	d.cfg.ACMEHTTP01SolverListenAddress = l.Addr().String()
	return &answering{l, d.set}, nil
}

// run answers until ctx ends.
func (a *answering) run(ctx context.Context) {
	if a == nil {
		return
	}
	if err := responder.Serve(ctx, a.listener, responder.Handler(a.look)); err != nil {
		klog.FromContext(ctx).Error(err, "HTTP-01 validation is not answered any more; restart the daemon", "address", a.listener.Addr().String())
	}
}

func (a *answering) look(token string) []responder.Answer {
	found := a.set.ChallengesByToken(token)
	if len(found) == 0 {
		return nil
	}
	answers := make([]responder.Answer, len(found))
	for i, ch := range found {
		answers[i] = responder.Answer{Name: ch.Spec.DNSName, KeyAuthorization: ch.Spec.Key}
	}
	return answers
}

// podIP is the variable that manifests set by the downward API.
const podIP = "POD_IP"

const unreachable = "--acme-http01-solver-address: it is not known at which address ingress controllers reach this daemon: set it, or in a pod set the environment variable POD_IP to status.podIP; or let pods answer (--acme-http01-solver-mode=pod)"

// http01Solver proves names by HTTP-01.
func http01Solver(cfg config.Config, c Clients, set *informers.Set) *http01.Solver {
	return http01.New(http01.API{
		Ingresses: c.Core.NetworkingV1(), Services: c.Core.CoreV1(), Pods: c.Core.CoreV1(),
		Slices: c.Core.DiscoveryV1(), Routes: c.Gateway.GatewayV1(),
	}, set, http01Settings(cfg, os.Getenv(podIP)), clock.RealClock{})
}

func http01Settings(cfg config.Config, pod string) http01.Settings {
	s := http01.Settings{
		Pods: cfg.ACMEHTTP01SolverMode == config.SolverPod, Image: cfg.ACMEHTTP01SolverImage,
		RunAsNonRoot: cfg.ACMEHTTP01SolverRunAsNonRoot, RuntimeClass: cfg.ACMEHTTP01SolverRuntimeClassName,
		Labels: cfg.SolverLabels(), Nameservers: cfg.ACMEHTTP01SolverNameservers,
		Resources: corev1.ResourceRequirements{
			Requests: quantities(cfg.ACMEHTTP01SolverResourceRequestCPU, cfg.ACMEHTTP01SolverResourceRequestMemory),
			Limits:   quantities(cfg.ACMEHTTP01SolverResourceLimitsCPU, cfg.ACMEHTTP01SolverResourceLimitsMemory),
		},
		Unreachable: unreachable,
	}
	if cfg.ACMEHTTP01SolverListenAddress == config.Off {
		s.Unreachable = "--acme-http01-solver-listen-address: this daemon answers no HTTP-01 challenges; give it an address to listen on, or let pods answer (--acme-http01-solver-mode=pod)"
		return s
	}
	s.Host, s.Port = cfg.SolverHostPort()
	if s.Host == "" {
		s.Host = pod
	}
	if s.Port == 0 {
		_, port, _ := net.SplitHostPort(cfg.ACMEHTTP01SolverListenAddress) // judged by Validate
		s.Port, _ = strconv.Atoi(port)
	}
	return s
}

func quantities(cpu, memory string) corev1.ResourceList {
	all := corev1.ResourceList{}
	for name, text := range map[corev1.ResourceName]string{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory} {
		if q, err := resource.ParseQuantity(text); err == nil { // judged by Validate
			all[name] = q
		}
	}
	return all
}

// solverSweep looks at what HTTP-01 challenges share, at the start and then as
// often as at everything else.
func solverSweep(cfg config.Config) scheduler.Entry {
	return scheduler.Entry{
		Name: "http01-services", Field: "--expiry-sweep-schedule",
		Schedule: cfg.ExpirySweepSchedule, Keys: func(yield func(queue.Key) bool) { yield(queue.SharedServices) },
	}
}

// sweepSolvers is the handler of that.
func sweepSolvers(s *http01.Solver, namespaces []string) queue.Handler {
	return queue.HandlerFunc(func(ctx context.Context, _ queue.Key) (queue.Result, error) {
		return queue.Result{}, s.Sweep(ctx, namespaces...)
	})
}
