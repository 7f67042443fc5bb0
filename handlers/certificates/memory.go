package certificates

import (
	"crypto"
	"sync"
	"time"

	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/types"
)

// memory is what the handler knows and need not write down. All of it may be
// lost in a crash: a lost key costs one new request, a lost count nothing.
type memory struct {
	mu   sync.Mutex
	crts map[queue.Key]*recollection
}

type recollection struct {
	uid     types.UID     // a namesake made later remembers nothing
	key     crypto.Signer // of the issuance under way
	begun   time.Time     // when that was first seen to be due
	mends   bool          // it repairs what somebody spoiled
	hurries bool          // the ACME server wished for it
	hurried int           // such issuances in a row
	old     []byte        // PEM of the certificate before, while it is still to be revoked
	mended  int           // such repairs in a row
	lastEnd time.Time     // of the last issuance
	failed  types.UID     // the last request whose failure was recorded, or that was discarded unfinished
}

// Re-issues that only mend what somebody spoils are prompt at first, then ever
// slower, so that two writers on one Secret do not make a storm of requests.
const (
	promptMends  = 3
	firstPause   = 10 * time.Second
	longestPause = 5 * time.Minute
	calm         = 10 * time.Minute // without mending, after which all is forgiven
)

func newMemory() *memory { return &memory{crts: map[queue.Key]*recollection{}} }

// of returns what is known of a Certificate. The caller holds the lock.
func (m *memory) of(crt *cmapi.Certificate) *recollection {
	k := queue.Key{Kind: queue.Certificate, Namespace: crt.Namespace, Name: crt.Name}
	r, ok := m.crts[k]
	if !ok || r.uid != crt.UID {
		r = &recollection{uid: crt.UID}
		m.crts[k] = r
	}
	return r
}

// key returns the key of the issuance under way, or nil.
func (m *memory) key(crt *cmapi.Certificate) crypto.Signer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(crt).key
}

// hurried is how many renewals in a row an ACME server wished for.
func (m *memory) hurried(crt *cmapi.Certificate) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(crt).hurried
}

// begin remembers the key of an issuance, when it began, whether it mends, and
// whether the ACME server wished for it.
func (m *memory) begin(crt *cmapi.Certificate, key crypto.Signer, mends, hurries bool, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(crt)
	r.key, r.mends, r.hurries = key, mends, hurries
	if r.begun.IsZero() {
		r.begun = now
	}
}

// began is when the issuance under way was first seen to be due; the zero time
// when there is none, or another process saw it.
func (m *memory) began(crt *cmapi.Certificate) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(crt).begun
}

// end forgets the key of an issuance that is done and returns how long it
// took; 0 when this process did not see it begin.
func (m *memory) end(crt *cmapi.Certificate, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(crt)
	var took time.Duration
	if !r.begun.IsZero() {
		took = now.Sub(r.begun)
	}
	if !r.mends || now.Sub(r.lastEnd) > calm {
		r.mended = 0
	}
	if r.mends {
		r.mended++
	}
	if !r.hurries {
		r.hurried = 0
	} else {
		r.hurried++
	}
	r.key, r.begun, r.mends, r.hurries, r.lastEnd = nil, time.Time{}, false, false, now
	return took
}

// drop forgets the key of an issuance that came to nothing.
func (m *memory) drop(crt *cmapi.Certificate) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(crt)
	r.key, r.begun = nil, time.Time{}
}

// fail remembers a request whose failure was recorded, or that was discarded.
func (m *memory) fail(crt *cmapi.Certificate, request types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(crt).failed = request
}

// lastFailed is empty when this process has dealt with no failed request yet.
func (m *memory) lastFailed(crt *cmapi.Certificate) types.UID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(crt).failed
}

// supersede remembers a certificate that is to be revoked; nil when it is.
func (m *memory) supersede(crt *cmapi.Certificate, leaf []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(crt).old = leaf
}

// superseded is the certificate that is to be revoked, or nil.
func (m *memory) superseded(crt *cmapi.Certificate) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(crt).old
}

// forget removes a Certificate that is gone.
func (m *memory) forget(k queue.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.crts, k)
}

// paused tells until when mending waits; the zero time is now.
func (m *memory) paused(crt *cmapi.Certificate) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(crt)
	if r.mended < promptMends {
		return time.Time{}
	}
	wait := min(firstPause<<min(r.mended-promptMends, 10), longestPause)
	return r.lastEnd.Add(wait)
}
