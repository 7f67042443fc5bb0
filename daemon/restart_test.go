package daemon

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

// Killed before or right after any of its writes, a daemon that is started
// anew finishes what was begun, with one request and nothing left over.
func TestKilledAtAnyWrite(t *testing.T) {
	for name, flow := range map[string]struct {
		before  func(w *world)         // what is there when the daemon that dies starts
		begin   func(w *world)         // what it is to do
		after   func(w *world)         // what somebody else does later
		options []func(*config.Config) // of all daemons
		writes  int                    // at which it may die
		ready   string
	}{
		"first issuance by a CA": {
			before: (*world).withCA, begin: func(w *world) { w.create(certificate("web", "ca")) }, writes: 4, ready: "web",
		},
		"first issuance by SelfSigned": {
			before: func(w *world) { w.create(issuer("selfsigned", selfSigned())) }, begin: func(w *world) { w.create(root()) },
			writes: 6, ready: "root",
		},
		"renewal by a CA": {
			before: func(w *world) {
				w.withCA()
				w.create(certificate("web", "ca"))
				w.rest()
			},
			begin: func(w *world) { w.renew("web") }, writes: 5, ready: "web",
		},
		"issuance that waits for its approval": {
			before: func(w *world) {
				w.create(issuer("selfsigned", selfSigned()))
				w.rest()
			},
			begin: func(w *world) { w.create(root()) }, after: func(w *world) { w.approve("root-1") },
			options: []func(*config.Config){withoutApprover}, writes: 5, ready: "root",
		},
		"two Certificates and their issuers at once": {
			begin: func(w *world) {
				w.create(certificate("web", "ca"), issuer("ca", caOf("root-tls")), root(), issuer("selfsigned", selfSigned()))
			},
			writes: 12, ready: "web",
		},
	} {
		for n := 1; n <= flow.writes; n++ {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/write %d, after it is %t", name, n, late), func(t *testing.T) {
					bubble(t, func(w *world) {
						first := w.start(flow.options...)
						if flow.before != nil {
							flow.before(w)
						}
						first.dieAt(n, late)
						flow.begin(w)
						w.rest()
						if !first.isCut() {
							t.Fatalf("it made less than %d writes: %v", n, first.take(work))
						}
						first.kill()

						w.start(flow.options...)
						w.rest()
						if flow.after != nil {
							flow.after(w)
							w.rest()
						}
						w.expectReady(flow.ready)
						w.expectTidy()
					})
				})
			}
		}
	}
}

// dieAt cuts the connection at the n-th write from now on: before it has
// effect, or when it has and its answer is on the way.
func (r *replica) dieAt(n int, late bool) {
	var count atomic.Int32
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before = func(c call) {
		switch {
		case !work(c) || int(count.Add(1)) != n:
		case late:
			time.AfterFunc(r.latency/4, r.cut)
		default:
			r.cut()
		}
	}
}

func withoutApprover(cfg *config.Config) {
	cfg.Controllers = []string{"*", "-" + string(config.Approver)}
}

// approve does what `cmctl approve` does.
func (w *world) approve(request string) {
	w.Helper()
	w.setRequest(request, func(cr *cmapi.CertificateRequest) {
		cr.Status.Conditions = append(cr.Status.Conditions, cmapi.CertificateRequestCondition{
			Type: cmapi.CertificateRequestConditionApproved, Status: cmmeta.ConditionTrue, Reason: "test", Message: "by hand"})
	})
}

// A daemon that is stopped and started again and again while there is work
// gets it done all the same.
func TestStoppedAndStartedAgainAndAgain(t *testing.T) {
	bubble(t, func(w *world) {
		w.create(issuer("selfsigned", selfSigned()), root(), issuer("ca", caOf("root-tls")))
		for i := range 20 {
			w.create(certificate(fmt.Sprintf("web-%d", i), "ca"))
		}
		for i := range 20 {
			r := w.launch()
			w.wait(time.Duration(20+7*i) * time.Millisecond)
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
		}
		w.start()
		for i := range 20 {
			w.expectReady(fmt.Sprintf("web-%d", i))
		}
		w.expectTidy()
	})
}
