package daemon

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/internal/shards"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/utils/ptr"
)

// shardLeases is the Leases by which replicas share the work.
type shardLeases struct {
	client            coordinationclient.LeasesGetter
	namespace, leader string
	me                string
	lasts             time.Duration

	mu        sync.Mutex
	sightings shards.Sightings
}

func newShardLeases(cfg config.Config, client coordinationclient.LeasesGetter, me string) *shardLeases {
	return &shardLeases{
		client: client, namespace: cfg.LeaderElectionNamespace, leader: cfg.LeaderElectionLeaseName,
		me: me, lasts: cfg.LeaderElectionLeaseDuration, sightings: shards.Sightings{},
	}
}

// leavingAnnotation marks the seat of a replica that stops, which others do not
// count on any more.
const leavingAnnotation = "certwright.io/leaving"

// seen is one look at all Leases.
type seen struct {
	asked   time.Time
	members []shards.Member
	shards  []shards.Lease // of all that there can be
	renewed time.Time      // the leader's Lease: see [shards.Sightings]

	seats [shards.Most]*coordinationv1.Lease // nil: there is none
	free  [shards.Most]bool                  // seats
}

// sits reports whether a seat is somebody's.
func (s *seen) sits(seat int, who string) bool {
	l := s.seats[seat]
	return l != nil && holderOf(l) == who
}

// leaves reports whether who has a seat is marked as leaving.
func (s *seen) leaves(seat int) bool {
	l := s.seats[seat]
	return l != nil && l.Annotations[leavingAnnotation] != ""
}

// look reads all Leases, as the API server has them now.
func (l *shardLeases) look(ctx context.Context) (*seen, error) {
	asked := time.Now()
	list, err := l.client.Leases(l.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the Leases in %s: %w", l.namespace, err)
	}
	answered := time.Now()
	there := map[string]*coordinationv1.Lease{}
	for i := range list.Items {
		there[list.Items[i].Name] = &list.Items[i]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &seen{asked: asked}
	for n := range shards.Most {
		_, held := l.note(there, shards.LeaseName(l.leader, n), asked, answered)
		s.shards = append(s.shards, held)
		seat, sitting := l.note(there, shards.SeatName(l.leader, n), asked, answered)
		s.seats[n], s.free[n] = seat, sitting.Holder == "" || sitting.Expired
		// Who was never seen to renew its seat may have died before we came.
		alive := sitting.Holder == l.me || !l.sightings.Renewed(shards.SeatName(l.leader, n)).IsZero()
		if !s.free[n] && alive {
			s.members = append(s.members, shards.Member{Seat: n, Identity: sitting.Holder, Leaving: s.leaves(n)})
		}
	}
	s.renewed = l.sightings.Renewed(l.leader)
	return s, nil
}

// note enters one Lease into the sightings. The caller holds the lock.
func (l *shardLeases) note(there map[string]*coordinationv1.Lease, name string, asked, answered time.Time) (*coordinationv1.Lease, shards.Lease) {
	lease := there[name]
	if lease == nil {
		l.sightings.See(name, "", asked, answered)
		return nil, shards.Lease{}
	}
	record := resourcelock.LeaseSpecToLeaderElectionRecord(&lease.Spec)
	l.sightings.See(name, formOf(record), asked, answered)
	return lease, shards.Lease{Holder: record.HolderIdentity, Expired: l.expired(name, record, answered)}
}

// expired is for who holds the lock.
func (l *shardLeases) expired(name string, r *resourcelock.LeaderElectionRecord, now time.Time) bool {
	return l.sightings.Expired(name, formOf(r), time.Duration(r.LeaseDurationSeconds)*time.Second, now)
}

// formOf changes when a Lease is renewed or changes hands.
func formOf(r *resourcelock.LeaderElectionRecord) string {
	return fmt.Sprintf("%s@%d", r.HolderIdentity, r.RenewTime.UnixMicro())
}

func holderOf(l *coordinationv1.Lease) string { return ptr.Deref(l.Spec.HolderIdentity, "") }

// take takes the first free seat there is; noSeat when there is none.
func (l *shardLeases) take(ctx context.Context, s *seen) (int, error) {
	for seat, free := range s.free {
		if !free {
			continue
		}
		if s.seats[seat] != nil {
			return orNoSeat(seat, l.renew(ctx, s, seat, false))
		}
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: l.namespace, Name: shards.SeatName(l.leader, seat)}}
		l.occupy(lease, false)
		_, err := l.client.Leases(l.namespace).Create(ctx, lease, metav1.CreateOptions{})
		return orNoSeat(seat, err)
	}
	return noSeat, fmt.Errorf("all %d seats of replicas are taken: run no more replicas than that", shards.Most)
}

func orNoSeat(seat int, err error) (int, error) {
	if err != nil {
		return noSeat, err
	}
	return seat, nil
}

// renew renews the Lease of a seat, over the version that was seen.
func (l *shardLeases) renew(ctx context.Context, s *seen, seat int, leaving bool) error {
	lease := s.seats[seat].DeepCopy()
	l.occupy(lease, leaving)
	_, err := l.client.Leases(l.namespace).Update(ctx, lease, metav1.UpdateOptions{})
	return err
}

func (l *shardLeases) occupy(lease *coordinationv1.Lease, leaving bool) {
	delete(lease.Annotations, leavingAnnotation)
	if leaving {
		metav1.SetMetaDataAnnotation(&lease.ObjectMeta, leavingAnnotation, "true")
	}
	l.assign(lease, l.me)
}

// assign makes a Lease somebody's from now on, or nobody's.
func (l *shardLeases) assign(lease *coordinationv1.Lease, to string) {
	now := metav1.NowMicro()
	if holderOf(lease) != to {
		lease.Spec.AcquireTime = &now
		lease.Spec.LeaseTransitions = ptr.To(ptr.Deref(lease.Spec.LeaseTransitions, 0) + 1)
	}
	lasts := int32(l.lasts / time.Second)
	if to == "" {
		lasts = 1
	}
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = &to, &lasts, &now
}

// handOn gives a shard's Lease that is ours to somebody, or back.
func (l *shardLeases) handOn(ctx context.Context, shard int, to string) error {
	return l.release(ctx, shards.LeaseName(l.leader, shard), to)
}

// rise frees a seat.
func (l *shardLeases) rise(ctx context.Context, seat int) {
	if seat == noSeat {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTime)
	defer cancel()
	_ = l.release(ctx, shards.SeatName(l.leader, seat), "") // else it ends by itself
}

// release changes the holder of a Lease that is ours: by one write, so that it
// is never free between two.
func (l *shardLeases) release(ctx context.Context, name, to string) error {
	lease, err := l.client.Leases(l.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil || holderOf(lease) != l.me {
		return ignoreNotFound(err)
	}
	delete(lease.Annotations, leavingAnnotation)
	l.assign(lease, to)
	_, err = l.client.Leases(l.namespace).Update(ctx, lease, metav1.UpdateOptions{})
	return err
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// shardLock is a shard's Lease as client-go's election sees it. A Lease that
// was seen to run out is shown as nobody's: the election would count its time
// from its own first look, which comes after.
type shardLock struct {
	*resourcelock.LeaseLock
	leases *shardLeases
	won    atomic.Bool
}

func (l *shardLeases) lock(shard int) *shardLock {
	return &shardLock{leases: l, LeaseLock: &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: l.namespace, Name: shards.LeaseName(l.leader, shard)},
		Client:     l.client,
		LockConfig: resourcelock.ResourceLockConfig{Identity: l.me},
	}}
}

// Get makes shardLock a resourcelock.Interface.
func (l *shardLock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.LeaseLock.Get(ctx)
	if err != nil || record.HolderIdentity == l.leases.me {
		return record, raw, err
	}
	l.leases.mu.Lock()
	defer l.leases.mu.Unlock()
	if l.leases.expired(l.LeaseMeta.Name, record, time.Now()) {
		record.HolderIdentity = ""
	}
	return record, raw, nil
}

// Create makes shardLock a resourcelock.Interface.
func (l *shardLock) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	err := l.LeaseLock.Create(ctx, r)
	l.note(err)
	return err
}

// Update makes shardLock a resourcelock.Interface.
func (l *shardLock) Update(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	err := l.LeaseLock.Update(ctx, r)
	l.note(err)
	return err
}

// note takes note of a win: from then on the election calls its work.
func (l *shardLock) note(err error) {
	if err == nil {
		l.won.Store(true)
	}
}
