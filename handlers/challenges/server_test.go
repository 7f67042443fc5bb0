package challenges

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/acme/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var errSilence = errors.New("the API server is out of reach")

// fate is what becomes of a write.
type fate int

const (
	stored  fate = iota
	lost         // never stored, and nobody hears of it
	unheard      // stored, and nobody hears of it
	late         // stored when others have been, and nobody hears of it
	refused      // with an answer
)

// apiServer stores Challenges as an API server does: a write names the version
// that it is over, and is refused over any other.
type apiServer struct {
	mu      sync.Mutex
	objects map[types.NamespacedName]*cmacme.Challenge
	version int
	fate    func(write string) fate // of the next write; nil: stored
	delayed []func()
	writes  []string
	// after is called once a write is stored, under the lock.
	after func(s *apiServer, write string)
	// history is every state of every object, for caches that lag.
	history []change
}

// change is an object from a version on; nil: it is gone.
type change struct {
	version int
	uid     types.UID
	name    types.NamespacedName
	object  *cmacme.Challenge
}

func newAPIServer() *apiServer {
	return &apiServer{objects: map[types.NamespacedName]*cmacme.Challenge{}, version: 100}
}

func keyOf(ch *cmacme.Challenge) types.NamespacedName {
	return types.NamespacedName{Namespace: ch.Namespace, Name: ch.Name}
}

// put stores an object as it is, as a user would.
func (s *apiServer) put(ch *cmacme.Challenge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.save(ch.DeepCopy(), "put "+keyOf(ch).String())
}

func (s *apiServer) save(ch *cmacme.Challenge, write string) {
	s.version++
	ch.ResourceVersion = strconv.Itoa(s.version)
	gone := ch.DeletionTimestamp != nil && len(ch.Finalizers) == 0
	if gone {
		delete(s.objects, keyOf(ch))
		s.history = append(s.history, change{s.version, ch.UID, keyOf(ch), nil})
	} else {
		s.objects[keyOf(ch)] = ch
		s.history = append(s.history, change{s.version, ch.UID, keyOf(ch), ch})
	}
	s.writes = append(s.writes, write)
	if s.after != nil {
		s.after(s, write)
	}
}

// edit changes a stored object, as a user would.
func (s *apiServer) edit(name types.NamespacedName, change func(*cmacme.Challenge)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch, ok := s.objects[name]; ok {
		next := ch.DeepCopy()
		change(next)
		s.save(next, "edit "+name.String())
	}
}

func (s *apiServer) stored(name types.NamespacedName) *cmacme.Challenge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[name]
}

// write stores over a version what change makes of it.
func (s *apiServer) write(ctx context.Context, line string, name types.NamespacedName, version string, change func(*cmacme.Challenge)) (*cmacme.Challenge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	do := func() (*cmacme.Challenge, error) {
		ch, ok := s.objects[name]
		if !ok {
			return nil, apierrors.NewNotFound(cmacme.Resource("challenges"), name.Name)
		}
		if ch.ResourceVersion != version {
			return nil, apierrors.NewConflict(cmacme.Resource("challenges"), name.Name, errors.New("modified"))
		}
		next := ch.DeepCopy()
		change(next)
		s.save(next, line)
		return next, nil
	}
	f := stored
	if s.fate != nil {
		f = s.fate(line)
	}
	switch f {
	case lost:
		return nil, errSilence
	case late:
		s.delayed = append(s.delayed, func() { _, _ = do() })
		return nil, errSilence
	case unheard:
		_, _ = do()
		return nil, errSilence
	case refused:
		return nil, apierrors.NewForbidden(cmacme.Resource("challenges"), name.Name, errors.New("not today"))
	}
	return do()
}

// arrive has the writes that are late arrive.
func (s *apiServer) arrive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, do := range s.delayed {
		do()
	}
	s.delayed = nil
}

// wrote returns the writes since the last call, but for a user's.
func (s *apiServer) wrote() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.DeleteFunc(s.writes, func(w string) bool {
		return strings.HasPrefix(w, "put ") || strings.HasPrefix(w, "edit ")
	})
	s.writes = nil
	return all
}

// Challenges makes the server a client.
func (s *apiServer) Challenges(namespace string) cmclient.ChallengeInterface {
	return client{server: s, namespace: namespace}
}

// client has what the handlers need of one; the rest is nil.
type client struct {
	cmclient.ChallengeInterface
	server    *apiServer
	namespace string
}

func (c client) Get(_ context.Context, name string, _ metav1.GetOptions) (*cmacme.Challenge, error) {
	if ch := c.server.stored(types.NamespacedName{Namespace: c.namespace, Name: name}); ch != nil {
		return ch, nil
	}
	return nil, apierrors.NewNotFound(cmacme.Resource("challenges"), name)
}

// List gives pages of three, so that there are several.
func (c client) List(_ context.Context, o metav1.ListOptions) (*cmacme.ChallengeList, error) {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.ResourceVersion != "" {
		return nil, fmt.Errorf("not a quorum read: resourceVersion %q", o.ResourceVersion)
	}
	var all []cmacme.Challenge
	for _, ch := range s.objects {
		if c.namespace == "" || ch.Namespace == c.namespace {
			all = append(all, *ch.DeepCopy())
		}
	}
	slices.SortFunc(all, func(a, b cmacme.Challenge) int { return strings.Compare(string(a.UID), string(b.UID)) })
	from, _ := strconv.Atoi(o.Continue)
	list := &cmacme.ChallengeList{Items: all[from:]}
	if o.Limit > 0 && len(list.Items) > 3 {
		list.Items, list.Continue = list.Items[:3], strconv.Itoa(from+3)
	}
	return list, nil
}

func (c client) UpdateStatus(ctx context.Context, ch *cmacme.Challenge, _ metav1.UpdateOptions) (*cmacme.Challenge, error) {
	return c.server.write(ctx, "status "+keyOf(ch).String(), keyOf(ch), ch.ResourceVersion, func(next *cmacme.Challenge) { next.Status = *ch.Status.DeepCopy() })
}

func (c client) Patch(ctx context.Context, name string, pt types.PatchType, data []byte, _ metav1.PatchOptions, sub ...string) (*cmacme.Challenge, error) {
	var patch struct {
		Metadata struct {
			ResourceVersion string
			Finalizers      *[]string
		}
		Status map[string]any
	}
	if err := json.Unmarshal(data, &patch); err != nil || pt != types.MergePatchType || patch.Metadata.ResourceVersion == "" {
		return nil, fmt.Errorf("patch of no known sort, or over no version: %s", data)
	}
	name = c.namespace + "/" + name
	line := "finalizers " + name
	if slices.Equal(sub, []string{"status"}) {
		line = fmt.Sprintf("place %s %v", name, patch.Status["processing"])
	}
	return c.server.write(ctx, line, types.NamespacedName{Namespace: c.namespace, Name: strings.TrimPrefix(name, c.namespace+"/")}, patch.Metadata.ResourceVersion, func(next *cmacme.Challenge) {
		if len(sub) == 0 {
			next.Finalizers = *patch.Metadata.Finalizers
			return
		}
		raw, _ := json.Marshal(patch.Status)
		_ = json.Unmarshal(raw, &next.Status)
	})
}
