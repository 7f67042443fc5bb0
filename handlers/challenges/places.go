package challenges

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/acme/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// PlacesCache is what [Places] reads.
type PlacesCache interface {
	Challenge(namespace, name string) *cmacme.Challenge
	// ChangedChallenges tells which ones have changed or gone since it was
	// last asked; at first, all there are.
	ChangedChallenges() map[types.UID]types.NamespacedName
}

// Places serves the one key [queue.Places]: it alone gives places to
// challenges, and takes them back before the challenge has come to an end.
//
// It learns of challenges from the cache, but begins with what the API server
// itself says: this process may have become the leader a moment ago, with a
// cache that does not show yet what the leader before it wrote last. That
// leader writes no more by then: see Limit.
type Places struct {
	Cache  PlacesCache
	Client cmclient.ChallengesGetter
	// Namespaces are those served; none means all.
	Namespaces []string
	// Max is how many challenges are at work at a time.
	Max int
	// Limit bounds the writes of one pass. It has to end before the lease of a
	// leader that cannot renew it may pass on.
	Limit  time.Duration
	Events record.EventRecorder
	Clock  clock.PassiveClock

	turns   *turns
	writers int   // at a time
	book    *Book // nil before the first pass
}

// pageSize is how many challenges are read at a time.
const pageSize = 500

// Handle gives out the places that are free, and takes back what others wait
// for. Errors: what the API server answered.
func (p *Places) Handle(ctx context.Context, _ queue.Key) (queue.Result, error) {
	if err := p.begin(ctx); err != nil {
		return queue.Result{}, err
	}
	p.catchUp()
	moves, again := p.book.Moves(p.Clock.Now())
	if len(moves) == 0 {
		return queue.Result{After: again}, nil
	}
	if err := p.carryOut(ctx, moves); err != nil {
		return queue.Result{}, err
	}
	return queue.Result{After: again}, nil
}

// begin fills the book from the API server, once.
func (p *Places) begin(ctx context.Context) error {
	if p.book != nil {
		return nil
	}
	book := NewBook(p.Max)
	namespaces := p.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	for _, ns := range namespaces {
		if err := p.read(ctx, ns, book); err != nil {
			return fmt.Errorf("read the challenges that have a place: %w", err)
		}
	}
	p.book = book
	return nil
}

// read asks for the newest state: no resourceVersion is a quorum read.
func (p *Places) read(ctx context.Context, namespace string, book *Book) error {
	page := metav1.ListOptions{Limit: pageSize}
	for {
		list, err := p.Client.Challenges(namespace).List(ctx, page)
		if err != nil {
			return err
		}
		for i := range list.Items {
			book.See(sightOf(&list.Items[i]), p.Clock.Now())
		}
		if page.Continue = list.Continue; page.Continue == "" {
			return nil
		}
	}
}

// catchUp tells the book what has happened.
func (p *Places) catchUp() {
	now := p.Clock.Now()
	for uid, name := range p.Cache.ChangedChallenges() {
		if ch := p.Cache.Challenge(name.Namespace, name.Name); ch != nil && ch.UID == uid {
			p.book.See(sightOf(ch), now)
		} else {
			p.book.Gone(uid)
		}
	}
	for uid, phase := range p.turns.take() {
		p.book.Tell(uid, phase)
	}
}

func sightOf(ch *cmacme.Challenge) Sight {
	s := Sight{
		UID: ch.UID, Namespace: ch.Namespace, Name: ch.Name, Version: ch.ResourceVersion,
		Created: ch.CreationTimestamp.Time, Proof: proofOf(ch), Tried: ch.Status.State != cmacme.Unknown,
		Ending: api.ACMEFinal(ch.Status.State) || ch.DeletionTimestamp != nil,
	}
	switch {
	case ch.Status.Processing:
		s.Mode = Holding
	case s.Ending:
		s.Mode = Over
	}
	return s
}

// proofOf takes names as DNS does, without regard to case.
func proofOf(ch *cmacme.Challenge) Proof {
	name := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(ch.Spec.DNSName, "*."), "."))
	return Proof{name, ch.Spec.Type}
}

// writers is how many moves are written at a time: sixty are then a matter of
// some round trips.
const writers = 16

// carryOut makes the moves and enters the answers. Each is written by itself,
// and what is left undone is made in the next pass.
func (p *Places) carryOut(ctx context.Context, moves []Move) error {
	ctx, cancel := context.WithTimeout(ctx, p.Limit)
	defer cancel()
	versions, faults := make([]string, len(moves)), make([]error, len(moves))
	gate := make(chan struct{}, p.writers)
	var writing sync.WaitGroup
	for i, m := range moves {
		writing.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			versions[i], faults[i] = p.write(ctx, m)
		})
	}
	writing.Wait()
	for i, m := range moves {
		faults[i] = p.enter(m, versions[i], faults[i])
	}
	return errors.Join(faults...)
}

// write stores a move over the version that it was decided on, and no other.
func (p *Places) write(ctx context.Context, m Move) (version string, err error) {
	status := map[string]any{"processing": m.Ruling == Admit}
	if m.Ruling == Yield && !m.Tried {
		status["state"] = cmacme.Pending // it had a turn, and may have left something somewhere
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": m.Version}, "status": status})
	if err != nil {
		return "", err
	}
	ch, err := p.Client.Challenges(m.Namespace).Patch(ctx, m.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return "", err
	}
	return ch.ResourceVersion, nil
}

// enter enters the answer to a move, and returns what is worth another try.
func (p *Places) enter(m Move, version string, err error) error {
	switch {
	case err == nil:
		p.book.Stored(m, version, p.Clock.Now())
		p.tell(m)
		return nil
	case apierrors.IsNotFound(err):
		p.book.Gone(m.UID)
		return nil
	case apierrors.IsConflict(err):
		p.book.Overtaken(m)
		return nil // the version that was met is on its way here
	case isRefusal(err):
		p.book.Refused(m)
	default:
		p.book.Unheard(m)
	}
	return fmt.Errorf("write the place of challenge %s/%s: %w", m.Namespace, m.Name, err)
}

// isRefusal tells an answer that says no from silence and from those faults of
// a server after which the write may be stored all the same.
func isRefusal(err error) bool {
	answer := apierrors.APIStatus(nil)
	if !errors.As(err, &answer) {
		return false
	}
	code := answer.Status().Code
	return code >= http.StatusBadRequest && code < http.StatusInternalServerError && code != http.StatusRequestTimeout
}

// tell says once that a challenge is at work.
func (p *Places) tell(m Move) {
	if m.Ruling != Admit || m.Tried {
		return
	}
	about := &cmacme.Challenge{ObjectMeta: metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name, UID: m.UID}}
	p.Events.Eventf(about, corev1.EventTypeNormal, "Started", "Began to prove %q by %s", m.Proof.DNSName, m.Proof.Type)
}
