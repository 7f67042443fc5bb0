package http01

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/challenges"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func plain(name string) *cmacme.Challenge {
	return challenge(name, name+".example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{}))
}

// A further challenge of a namespace costs one create and one delete.
func TestTheServiceIsShared(t *testing.T) {
	web, api := plain("web"), plain("api")
	w := newWorld(t, defaults())
	w.at(web, api)
	w.present(web)
	w.writes = nil
	w.present(api)
	w.wrote("create ingresses shop/" + apiName)
	w.remove(web)
	w.wrote("delete ingresses shop/" + webName)
	w.at(web) // the cache is late: it shows the one that has left, and no more the other
	w.remove(api)
	w.wrote("delete ingresses shop/"+apiName, "delete services shop/cm-acme-http-solver")
}

// Two leave at once, both of which the cache still shows: neither may take the
// other for a reason to leave the Service.
func TestTheLastTwoLeaveAtOnce(t *testing.T) {
	web, api := plain("web"), plain("api")
	w := newWorld(t, defaults())
	w.at(web, api)
	w.present(web)
	w.present(api)
	w.remove(web)
	w.remove(api)
	w.empty()
	// One of them comes back, as a challenge does that had yielded its place.
	w.present(web)
	w.writes = nil
	w.remove(api)
	w.wrote()
}

// Those that others answer, or that end, do not keep the Service.
func TestWhoKeepsTheService(t *testing.T) {
	web := plain("web")
	pod := challenge("api", "api.example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{PodTemplate: tolerating()}))
	clusterIP := challenge("ip", "ip.example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{ServiceType: corev1.ServiceTypeClusterIP}))
	elsewhere := plain("elsewhere")
	elsewhere.Namespace = "bank"
	going := plain("going")
	going.DeletionTimestamp = &metav1.Time{Time: time.Now()}
	w := newWorld(t, defaults())
	w.at(web, pod, clusterIP, elsewhere, going)
	w.present(web)
	w.writes = nil
	w.remove(web)
	w.wrote("delete ingresses shop/"+webName, "delete services shop/cm-acme-http-solver")
}

// Many at once, coming and going: the Service is there while any is, and goes.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, defaults())
	var all []*cmacme.Challenge
	for i := range 40 {
		all = append(all, plain(fmt.Sprint("many-", i)))
	}
	w.at(all...)
	var done sync.WaitGroup
	for _, ch := range all {
		done.Go(func() {
			task := challenges.Task{Challenge: ch}
			if err := w.solver.Present(context.Background(), task); err != nil {
				t.Error(err)
			}
			if _, err := w.kube.CoreV1().Services("shop").Get(context.Background(), "cm-acme-http-solver", never); err != nil {
				t.Error(err)
			}
			if err := w.solver.Remove(context.Background(), task); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	w.empty()
}

// A sweep takes what a crash left, and has the rest follow the daemon.
func TestSweep(t *testing.T) {
	web, left := plain("web"), plain("left")
	left.Namespace = "bank"
	w := newWorld(t, defaults())
	w.at(web, left)
	w.present(web)
	w.present(left)
	w.at(web) // the other's finalizer was taken off by hand
	w.writes = nil
	if err := w.solver.Sweep(t.Context(), "shop"); err != nil {
		t.Error(err)
	}
	w.wrote() // another namespace is not ours to sweep
	moved := defaults()
	moved.Host = "192.0.2.77"
	w.restart(moved)
	if err := w.solver.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	w.wrote("delete services bank/cm-acme-http-solver", "update endpointslices shop/cm-acme-http-solver")
	moved.Host = "2001:db8::77"
	w.restart(moved)
	if err := w.solver.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	w.wrote("delete endpointslices shop/cm-acme-http-solver", "create endpointslices shop/cm-acme-http-solver")
	slice, err := w.kube.DiscoveryV1().EndpointSlices("shop").Get(t.Context(), "cm-acme-http-solver", never)
	if err != nil || slice.AddressType != discoveryv1.AddressTypeIPv6 || slice.Endpoints[0].Addresses[0] != "2001:db8::77" {
		t.Errorf("%v %v", slice, err)
	}
	if err := w.solver.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	w.wrote()
}

// From an address to a name, and back: a Service of another type is another Service.
func TestTheDaemonMoves(t *testing.T) {
	web := plain("web")
	w := newWorld(t, defaults())
	w.at(web)
	w.present(web)
	w.writes = nil
	named := defaults()
	named.Host = "solver.example.com"
	w.restart(named)
	w.present(web)
	w.wrote("delete services shop/cm-acme-http-solver", "create services shop/cm-acme-http-solver")
	w.restart(defaults())
	w.present(web)
	w.wrote("delete services shop/cm-acme-http-solver", "create services shop/cm-acme-http-solver")
}

// At rest the sweep asks for nothing.
func TestASweepAtRest(t *testing.T) {
	w := newWorld(t, defaults())
	lists := func() (n int) {
		for _, a := range w.kube.Actions() {
			if a.GetVerb() == "list" {
				n++
			}
		}
		w.kube.ClearActions()
		return n
	}
	sweep := func(want int) {
		t.Helper()
		if err := w.solver.Sweep(t.Context()); err != nil || lists() != want {
			t.Error(err, "or not", want)
		}
	}
	sweep(1)
	sweep(0)
	web := plain("web")
	w.at(web)
	w.present(web)
	sweep(1)
	sweep(1)
	w.remove(web)
	sweep(1)
	sweep(0)
}
