package informers

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// reads counts the live reads of Secrets, and delays or fails their answers.
// It is a client of its own because a reactor would wait under the fake's lock.
type reads struct {
	kubernetes.Interface
	n       atomic.Int32
	latency time.Duration // from the reading of the state until its answer
	err     error
}

type countedCore struct {
	corev1client.CoreV1Interface
	*reads
}

type countedSecrets struct {
	corev1client.SecretInterface
	*reads
}

// IsWatchListSemanticsUnSupported says, as the fake inside does, that lists
// cannot be streamed: an informer would wait for the end of one for ever.
func (*reads) IsWatchListSemanticsUnSupported() bool { return true }

func (r *reads) CoreV1() corev1client.CoreV1Interface { return countedCore{r.Interface.CoreV1(), r} }

func (c countedCore) Secrets(namespace string) corev1client.SecretInterface {
	return countedSecrets{c.CoreV1Interface.Secrets(namespace), c.reads}
}

func (c countedSecrets) Get(ctx context.Context, name string, o metav1.GetOptions) (*corev1.Secret, error) {
	c.n.Add(1)
	s, err := c.SecretInterface.Get(ctx, name, o)
	time.Sleep(c.latency)
	if c.err != nil {
		return nil, c.err
	}
	return s, err
}

// expect compares the number of live reads so far.
func (r *reads) expect(t *testing.T, want int32, what string) {
	t.Helper()
	if got := r.n.Load(); got != want {
		t.Errorf("%s: %d live reads, want %d", what, got, want)
	}
}

// watchedSecrets starts a Set whose live reads are counted.
func (c *cluster) watchedSecrets(objs ...object) (*Set, *reads) {
	c.put(objs...)
	counted := &reads{Interface: c.core}
	set, _ := c.watched(func(o *Options) { o.Core = counted })
	return set, counted
}

// content reads a Secret that must be there.
func content(t *testing.T, set *Set, name string) string {
	t.Helper()
	s, err := set.Secret(t.Context(), "shop", name)
	if err != nil {
		t.Fatal(err)
	}
	return string(s.Data["tls.key"])
}

func holding(s *corev1.Secret, key string) *corev1.Secret {
	s = s.DeepCopy()
	s.Data = map[string][]byte{"tls.key": []byte(key)}
	return s
}

func TestOwnSecretsAreAnsweredFromTheCache(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		set, live := c.watchedSecrets(ownSecret("shop", "tls"))
		if got := content(t, set, "tls"); got != "key" {
			t.Errorf("got %q", got)
		}
		live.expect(t, 0, "own")
	})
}

func TestAForeignSecretIsReadOncePerResourceVersion(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		ca := foreignSecret("shop", "ca")
		set, live := c.watchedSecrets(ca)
		for range 100 {
			content(t, set, "ca")
		}
		live.expect(t, 1, "first version")

		c.put(holding(ca, "new"))
		for range 100 {
			if got := content(t, set, "ca"); got != "new" {
				t.Fatalf("got %q after the change", got)
			}
		}
		live.expect(t, 2, "second version")
	})
}

func TestConcurrentReadersShareOneRead(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		set, live := c.watchedSecrets(foreignSecret("shop", "ca"))
		live.latency = time.Second
		var readers sync.WaitGroup
		for range 50 {
			readers.Go(func() { content(t, set, "ca") })
		}
		readers.Wait()
		live.expect(t, 1, "50 readers")
	})
}

// Whoever was woken by a change must see it, although a read that began before
// the change is still on its way: no other event would come.
func TestAReaderDoesNotJoinAReadFromBeforeTheChange(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		ca := foreignSecret("shop", "ca")
		set, live := c.watchedSecrets(ca)
		live.latency = time.Second
		var early sync.WaitGroup
		early.Go(func() { content(t, set, "ca") })
		synctest.Wait()
		c.put(holding(ca, "new"))
		if got := content(t, set, "ca"); got != "new" {
			t.Errorf("a reader after the change got %q", got)
		}
		early.Wait()
	})
}

// A read past every cache is as fresh as its caller wants it: it begins anew.
func TestALiveReadIsNotShared(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		ca := foreignSecret("shop", "ca")
		set, live := c.watchedSecrets(ca)
		live.latency = time.Second
		var early sync.WaitGroup
		early.Go(func() { content(t, set, "ca") })
		synctest.Wait()
		c.store(holding(ca, "new")) // the watch has not told of it yet
		s, err := set.LiveSecret(t.Context(), "shop", "ca")
		if err != nil || string(s.Data["tls.key"]) != "new" {
			t.Errorf("got %v, %v", s, err)
		}
		early.Wait()
	})
}

// A read may be ahead of the watch. When that has caught up, nothing is read
// once more.
func TestAReadAheadOfTheWatchIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		ca := foreignSecret("shop", "ca")
		set, live := c.watchedSecrets(ca)
		stored := c.store(holding(ca, "new"))
		if got := content(t, set, "ca"); got != "new" {
			t.Errorf("got %q", got)
		}
		c.tell("MODIFIED", stored)
		content(t, set, "ca")
		live.expect(t, 1, "read ahead")
	})
}

func TestAMissingSecretIsKnownToBeMissing(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		ca := foreignSecret("shop", "ca")
		set, live := c.watchedSecrets(ca)
		content(t, set, "ca")
		c.remove(ca)
		for _, name := range []string{"ca", "never-there"} {
			if _, err := set.Secret(t.Context(), "shop", name); !apierrors.IsNotFound(err) {
				t.Errorf("%s: got %v, want NotFound", name, err)
			}
		}
		live.expect(t, 1, "missing")
	})
}

// The private key of a Secret that is gone must not stay in memory, whether or
// not somebody asks for the Secret again.
func TestADeletedSecretIsForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		ca := foreignSecret("shop", "ca")
		set, _ := c.watchedSecrets(ca)
		content(t, set, "ca")
		c.remove(ca)
		if len(set.secrets.read) > 0 {
			t.Errorf("still in memory: %v", set.secrets.read)
		}
	})
}

func TestAFailedReadIsNotRemembered(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		set, live := c.watchedSecrets(foreignSecret("shop", "ca"))
		live.err = errors.New("connection refused")
		if _, err := set.Secret(t.Context(), "shop", "ca"); !errors.Is(err, live.err) {
			t.Errorf("got %v", err)
		}
		live.err = nil
		if got := content(t, set, "ca"); got != "key" {
			t.Errorf("got %q", got)
		}
		live.expect(t, 2, "a failure and a success")
	})
}

// A Secret that loses our label leaves one watch and comes up in the other. In
// between the cache does not show it, and only a live read does.
func TestASecretThatLosesOurLabelIsNotLost(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		set, _ := c.watchedSecrets(ownSecret("shop", "tls"))
		stripped := c.store(holding(foreignSecret("shop", "tls"), "still here"))
		for _, s := range c.of(secretResource) {
			if !s.metadata {
				c.tellOne(s, "MODIFIED", stripped)
			}
		}
		if _, err := set.Secret(t.Context(), "shop", "tls"); !apierrors.IsNotFound(err) {
			t.Errorf("got %v, want NotFound: the other watch is silent yet", err)
		}
		s, err := set.LiveSecret(t.Context(), "shop", "tls")
		if err != nil || string(s.Data["tls.key"]) != "still here" {
			t.Errorf("live: got %v, %v", s, err)
		}
		c.tell("MODIFIED", stripped)
		if got := content(t, set, "tls"); got != "still here" {
			t.Errorf("got %q", got)
		}
	})
}

func TestASecretThatGetsOurLabelIsCachedInFull(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		set, live := c.watchedSecrets(foreignSecret("shop", "tls"))
		content(t, set, "tls")
		c.put(holding(ownSecret("shop", "tls"), "new"))
		if got := content(t, set, "tls"); got != "new" {
			t.Errorf("got %q", got)
		}
		if _, ok := set.secrets.foreign.get("shop", "tls"); ok {
			t.Error("still among the foreign ones")
		}
		live.expect(t, 1, "while it was foreign")
	})
}
