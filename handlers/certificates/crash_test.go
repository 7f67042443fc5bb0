package certificates_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// story is a way a Certificate may go, which ends at rest.
type story struct {
	name  string
	world func(t *testing.T) *handlertest.World
	// act is what others do meanwhile; settle has the daemon do its part.
	act func(t *testing.T, w *handlertest.World, settle func())

	settings func(*handlertest.Settings)
	revision int      // in the end
	secrets  []string // in the end, beside the target
	// kept is true when the key is stored before the request is made: then
	// not even a crash costs a second request.
	kept bool
}

func (s story) start(w *handlertest.World) *handlertest.Process {
	settings := handlertest.Defaults()
	if s.settings != nil {
		s.settings(&settings)
	}
	return w.Start(settings)
}

func stories() []story {
	once := func(_ *testing.T, _ *handlertest.World, settle func()) { settle() }
	rested := func(act func(w *handlertest.World)) func(*testing.T, *handlertest.World, func()) {
		return func(_ *testing.T, w *handlertest.World, settle func()) { act(w); settle() }
	}
	resting := func(t *testing.T) *handlertest.World { w, _ := atRest(t); return w }
	return []story{
		{name: "first issuance by CA", act: once, revision: 1, secrets: []string{"ca-pair"},
			world: func(t *testing.T) *handlertest.World { w, _ := newCertificate(t); return w }},
		{name: "renewal by CA", revision: 2, secrets: []string{"ca-pair"}, world: resting,
			act: rested(func(w *handlertest.World) { w.Clock.SetTime(handlertest.Renewal) })},
		{name: "Secret deleted", revision: 2, secrets: []string{"ca-pair"}, world: resting,
			act: rested(func(w *handlertest.World) { handlertest.Delete[*corev1.Secret](w, "web-tls") })},
		{name: "asked for by hand", revision: 2, secrets: []string{"ca-pair"}, world: resting,
			act: rested(func(w *handlertest.World) { handlertest.EditStatus(w, "web", handlertest.ManuallyTriggered) })},
		{name: "names edited", revision: 2, secrets: []string{"ca-pair"}, world: resting,
			act: rested(func(w *handlertest.World) {
				handlertest.Edit(w, "web", func(crt *cmapi.Certificate) { crt.Spec.DNSNames = []string{"new.example.com"} })
			})},
		{name: "first issuance by SelfSigned", act: once, revision: 1, kept: true,
			world: func(t *testing.T) *handlertest.World {
				return handlertest.New(t, handlertest.SelfSignedIssuer("self"), handlertest.Web(selfSigned))
			}},
		{name: "late approval", revision: 1, secrets: []string{"ca-pair"}, kept: true,
			settings: func(s *handlertest.Settings) { s.Approver.All = false },
			world:    func(t *testing.T) *handlertest.World { w, _ := newCertificate(t); return w },
			act: func(_ *testing.T, w *handlertest.World, settle func()) {
				settle()
				says(w, handlertest.Condition(cmapi.CertificateRequestConditionApproved, "True", "policy", "good"))
				settle()
			}},
		{name: "the issuer comes late", revision: 1, secrets: []string{"ca-pair"}, kept: true,
			world: func(t *testing.T) *handlertest.World { return handlertest.New(t, handlertest.Web()) },
			act: func(t *testing.T, w *handlertest.World, settle func()) {
				settle()
				f := handlertest.AtRest(t)
				w.Create(f.Issuer, f.CASecret)
				settle()
			}},
		{name: "external issuer", revision: 1, kept: true,
			world: func(t *testing.T) *handlertest.World { return handlertest.New(t, handlertest.Web(external)) },
			act: func(t *testing.T, w *handlertest.World, settle func()) {
				settle()
				signer{handlertest.NewAuthority(t, "PCA")}.signs(t, w)
				settle()
			}},
		{name: "external issuer, failing at first", revision: 1,
			world: func(t *testing.T) *handlertest.World { return handlertest.New(t, handlertest.Web(external)) },
			act: func(t *testing.T, w *handlertest.World, settle func()) {
				settle()
				says(w, handlertest.Condition(cmapi.CertificateRequestConditionReady, "False", "Failed", "quota exceeded"))
				settle()
				w.Wait(3 * 60 * 60e9)
				settle()
				signer{handlertest.NewAuthority(t, "PCA")}.signs(t, w)
				settle()
			}},
		{name: "denied, failing at first, then edited", revision: 1, secrets: []string{"ca-pair"},
			settings: func(s *handlertest.Settings) { s.Approver.All = false },
			world:    func(t *testing.T) *handlertest.World { w, _ := newCertificate(t); return w },
			act: func(_ *testing.T, w *handlertest.World, settle func()) {
				settle()
				deny(w)
				settle()
				w.Wait(2 * 1e9)
				edit(w, func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"new.example.com"} })
				settle()
				approve(w)
				settle()
			}},
	}
}

// tell runs a story with a fault armed, by as many processes as it takes.
func (s story) tell(t *testing.T, arm func(*handlertest.World, *handlertest.Process)) *handlertest.World {
	t.Helper()
	w := s.world(t)
	p := s.start(w)
	arm(w, p)
	s.act(t, w, func() {
		for p.Settle() {
			p = s.start(w)
		}
	})
	w.Mend()
	p.Settle()
	return w
}

// ends checks where a story has come to: one request of the last revision, no
// Secret left over, nothing more to do, also for a new process.
func (s story) ends(t *testing.T, w *handlertest.World, mostRequests int) {
	t.Helper()
	isReady(t, w, s.revision, s.secrets...)
	if s.kept {
		mostRequests = 1
	}
	made := 0
	for _, line := range w.Writes {
		if strings.HasPrefix(line, "create certificaterequests ") && !strings.Contains(line, ":") {
			made++
		}
	}
	if made > mostRequests {
		t.Errorf("%d requests were made, want at most %d:\n%s", made, mostRequests, strings.Join(w.Writes, "\n"))
	}
	w.Forget()
	s.start(w).Settle()
	w.Wrote()
	if t.Failed() {
		t.Logf("in the end: %v %v", w.Requests(), w.Secrets())
	}
}

// requests is how many a story takes when nothing goes wrong.
func (s story) requests() int {
	if strings.Contains(s.name, "failing at first") {
		return 2
	}
	return 1
}

func noFault(*handlertest.World, *handlertest.Process) {}

// Killed between any two writes, its memory lost, it finishes.
func TestKilledBetweenAnyTwoWrites(t *testing.T) {
	t.Parallel()
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			all := s.tell(t, noFault)
			writes := len(all.Writes)
			s.ends(t, all, s.requests())
			for n := 1; n <= writes; n++ {
				t.Run(fmt.Sprintf("after write %d of %d", n, writes), func(t *testing.T) {
					t.Parallel()
					w := s.tell(t, func(w *handlertest.World, _ *handlertest.Process) { w.KillAfter(n) })
					s.ends(t, w, s.requests()+1)
				})
			}
		})
	}
}

// A write that is lost, or stored without an answer, is taken up again by the
// same process.
func TestAnyWriteFails(t *testing.T) {
	t.Parallel()
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			writes := len(s.tell(t, noFault).Writes)
			for n := 1; n <= writes; n++ {
				for fate, name := range map[handlertest.Fate]string{handlertest.Lost: "lost", handlertest.Unheard: "unheard"} {
					t.Run(fmt.Sprintf("write %d of %d is %s", n, writes, name), func(t *testing.T) {
						t.Parallel()
						w := s.tell(t, func(w *handlertest.World, _ *handlertest.Process) { w.Fail(n, fate) })
						s.ends(t, w, s.requests())
					})
				}
			}
		})
	}
}

// In whatever order events arrive, and however far the informers lag behind
// one another, all ends alike. What the API server refuses meanwhile is
// refused because the cache was stale.
func TestInAnyOrderOnStaleCaches(t *testing.T) {
	t.Parallel()
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(15) {
				var process *handlertest.Process
				w := s.tell(t, func(_ *handlertest.World, p *handlertest.Process) { p.Shuffle(seed); process = p })
				for _, err := range process.Errors {
					if !apierrors.IsAlreadyExists(err) && !apierrors.IsConflict(err) {
						t.Errorf("seed %d: %v", seed, err)
					}
				}
				s.ends(t, w, s.requests())
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}
