package daemon

import (
	"fmt"
	"strings"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/internal/shards"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

const inShards = 12

// withShards has a daemon share the work.
func withShards(cfg *config.Config) { cfg.LeaderElect, cfg.Shards = true, inShards }

// shared is a world whose writes are checked: whoever writes for a key holds the
// Lease of its shard at that moment, and a fellow leads.
type shared struct {
	*world
	identities map[string]string // of daemons, by name
	wrote      map[string]int    // how much, by name of the daemon
}

func newShared(w *world) *shared {
	s := &shared{world: w, identities: map[string]string{}, wrote: map[string]int{}}
	w.onChange(s.judge)
	return s
}

func (s *shared) judge(by string, k kind, before, after *object) {
	if !strings.HasPrefix(by, "daemon") {
		return
	}
	if k.plural == "leases" {
		if holder := holderIn(after); s.identities[by] == "" && holder != "" && strings.Contains(after.GetName(), "-replica-") {
			s.identities[by] = holder
		}
		return
	}
	key, ok := keyOfWrite(k, before, after)
	if !ok {
		return
	}
	s.wrote[by]++
	name := shards.LeaseName("cert-manager-controller", key.Shard(inShards))
	if holder := s.heldNow(name); holder != s.identities[by] {
		s.Errorf("%s wrote for %s, and its shard is held by %q", by, key, holder)
	}
	if leader := s.heldNow("cert-manager-controller"); !shards.Fellow(leader, inShards) {
		s.Errorf("%s wrote for %s, while %q leads", by, key, leader)
	}
}

// keyOfWrite is the key whose handler makes a change.
func keyOfWrite(k kind, before, after *object) (queue.Key, bool) {
	o := after
	if o == nil {
		o = before
	}
	own := queue.Key{Namespace: o.GetNamespace(), Name: o.GetName()}
	owner := metav1.GetControllerOf(o)
	switch k.plural {
	case "certificates":
		own.Kind = queue.Certificate
	case "certificaterequests":
		own.Kind = queue.CertificateRequest
		if before == nil || after == nil { // made and deleted by the Certificate
			own.Kind, own.Name = queue.Certificate, owner.Name
		}
	case "secrets":
		own.Kind, own.Name = queue.Certificate, o.GetAnnotations()[cmapi.CertificateNameKey]
		if owner != nil {
			own.Name = owner.Name
		}
	case "issuers":
		own.Kind = queue.Issuer
	case "challenges":
		own.Kind = queue.Challenge
	case "orders":
		own.Kind = queue.Order
		if before == nil {
			own.Kind, own.Name = queue.CertificateRequest, owner.Name
		}
	}
	return own, own.Kind != 0 && own.Name != ""
}

// heldNow is who holds a Lease. The caller holds the server's lock.
func (s *shared) heldNow(name string) string {
	o, err := s.api.get(target{kind: kinds["leases"], namespace: "kube-system", name: name})
	if err != nil {
		return ""
	}
	return holderIn(o)
}

func holderIn(o *object) string {
	if o == nil {
		return ""
	}
	holder, _, _ := unstructured.NestedString(o.Object, "spec", "holderIdentity")
	return holder
}

// shares is how many shards each daemon holds, and how many nobody does.
func (s *shared) shares() (each map[string]int, free int) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	each = map[string]int{}
	for n := range inShards {
		holder := s.heldNow(shards.LeaseName("cert-manager-controller", n))
		if holder == "" {
			free++
		}
		for name, identity := range s.identities {
			if identity == holder {
				each[name]++
			}
		}
	}
	return each, free
}

// expectShares checks who has how many.
func (s *shared) expectShares(want map[string]int) {
	s.Helper()
	each, free := s.shares()
	if fmt.Sprint(each) != fmt.Sprint(want) || free > 0 {
		s.Errorf("shares are %v and %d free, want %v", each, free, want)
	}
}

// issue makes Certificates and waits until they are ready.
func (s *shared) issue(prefix string, n int, within time.Duration) {
	s.Helper()
	for i := range n {
		s.create(certificate(fmt.Sprintf("%s-%d", prefix, i), "ca"))
	}
	s.wait(within)
	for i := range n {
		s.expectReady(fmt.Sprintf("%s-%d", prefix, i))
	}
}

// certManagersLease makes the Lease as cert-manager holds it.
func (w *world) certManagersLease() *coordinationv1.Lease {
	w.Helper()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "cert-manager-controller"}}
	holder, lasts, now := "cert-manager-7d_external-cert-manager-controller", int32(60), metav1.NowMicro()
	lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &lasts, RenewTime: &now, AcquireTime: &now}
	made, err := w.user.Core.CoordinationV1().Leases("kube-system").Create(w.ctx, lease, metav1.CreateOptions{})
	w.must(err)
	return made
}

func (w *world) renewLease(lease *coordinationv1.Lease) {
	w.Helper()
	now := metav1.NowMicro()
	lease.Spec.RenewTime = &now
	next, err := w.user.Core.CoordinationV1().Leases("kube-system").Update(w.ctx, lease, metav1.UpdateOptions{})
	w.must(err)
	*lease = *next
}

// takeLease is what somebody does who has seen the Lease run out.
func (w *world) takeLease(who string) {
	w.Helper()
	w.retry(func() error {
		leases := w.user.Core.CoordinationV1().Leases("kube-system")
		lease, err := leases.Get(w.ctx, "cert-manager-controller", metav1.GetOptions{})
		if err != nil {
			return err
		}
		now := metav1.NowMicro()
		lease.Spec.HolderIdentity, lease.Spec.RenewTime = &who, &now
		_, err = leases.Update(w.ctx, lease, metav1.UpdateOptions{})
		return err
	})
}

// renewedAt is when a Lease was renewed last, by its own account.
func (s *shared) renewedAt(name string) time.Time {
	s.Helper()
	lease, err := s.user.Core.CoordinationV1().Leases("kube-system").Get(s.ctx, name, metav1.GetOptions{})
	s.must(err)
	return lease.Spec.RenewTime.Time
}

// leading is the replica that holds the leader's Lease.
func (s *shared) leading() *replica {
	s.Helper()
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	for _, r := range s.replicas {
		if !r.stopped && s.identities[r.name] == s.heldNow("cert-manager-controller") {
			return r
		}
	}
	s.Fatalf("nobody leads")
	return nil
}

// watchPlaces checks at each change that no more challenges than that are at
// work, nor two of a name, and tells how many were at most.
func (w *world) watchPlaces(places int) (most *int) {
	most = new(int)
	w.onChange(func(_ string, k kind, _, _ *object) {
		if k.plural != "challenges" {
			return
		}
		busy := map[string]bool{}
		for _, o := range w.api.list(target{kind: k}, labels.Everything()) {
			name, _, _ := unstructured.NestedString(o.Object, "spec", "dnsName")
			if at, _, _ := unstructured.NestedBool(o.Object, "status", "processing"); !at {
				continue
			}
			if busy[name] {
				w.Errorf("two are at work on %s", name)
			}
			busy[name] = true
		}
		if *most = max(*most, len(busy)); len(busy) > places {
			w.Errorf("%d are at work at %d places", len(busy), places)
		}
	})
	return most
}
