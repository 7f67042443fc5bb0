package suite

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// Space is a namespace of one test, and the test's means to act in it. What it
// cannot do fails the test.
type Space struct {
	testing.TB
	*harness.Clients
	// World is what the test shares with others.
	World *World
	// Namespace is the test's own.
	Namespace string
}

var numbers atomic.Int64

func nextNumber() int64 { return numbers.Add(1) }

// Space makes a namespace for a test. The name shows the test's, for whoever
// reads the daemon's log.
func (w *World) Space(t testing.TB) *Space {
	t.Helper()
	name := strings.Map(lowerOnly, strings.ToLower(t.Name()))
	name = fmt.Sprintf("%s-%d", strings.Trim(name[:min(len(name), 40)], "-"), nextNumber())
	s := &Space{TB: t, Clients: w.Clients, World: w, Namespace: name}
	s.Must(w.Clients.EnsureNamespace(t.Context(), name))
	t.Cleanup(func() {
		if t.Failed() {
			s.dump()
		}
	})
	return s
}

func lowerOnly(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}

// Must fails the test at once on an error.
func (s *Space) Must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// Within is the context of one wait.
func (s *Space) Within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.Context(), Patience)
}

// must is for calls that return a value and an error.
func must[T any](s *Space, value T, err error) T {
	s.Helper()
	s.Must(err)
	return value
}

// dump prints everything in the namespace and what the daemons said about it.
func (s *Space) dump() {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	s.Logf("namespace %s at the end:", s.Namespace)
	all := metav1.ListOptions{}
	api := s.CertManager.CertmanagerV1()
	if list, err := api.Issuers(s.Namespace).List(ctx, all); err == nil {
		s.Logf("Issuers:\n%s", harness.Show(pointers(list.Items)...))
	}
	if list, err := api.Certificates(s.Namespace).List(ctx, all); err == nil {
		s.Logf("Certificates:\n%s", harness.Show(pointers(list.Items)...))
	}
	if list, err := api.CertificateRequests(s.Namespace).List(ctx, all); err == nil {
		s.Logf("CertificateRequests:\n%s", harness.Show(pointers(list.Items)...))
	}
	if list, err := s.CertManager.AcmeV1().Orders(s.Namespace).List(ctx, all); err == nil && len(list.Items) > 0 {
		s.Logf("Orders:\n%s", harness.Show(pointers(list.Items)...))
	}
	if list, err := s.CertManager.AcmeV1().Challenges(s.Namespace).List(ctx, all); err == nil && len(list.Items) > 0 {
		s.Logf("Challenges:\n%s", harness.Show(pointers(list.Items)...))
	}
	if list, err := s.Kube.CoreV1().Secrets(s.Namespace).List(ctx, all); err == nil {
		s.Logf("Secrets:\n%s", harness.Show(pointers(list.Items)...))
	}
	for _, event := range s.events(ctx) {
		s.Logf("event: %s %s %s/%s: %s", event.Type, event.Reason, event.InvolvedObject.Kind, event.InvolvedObject.Name, event.Message)
	}
	for _, line := range s.logLines() {
		s.Logf("log: %s", line)
	}
}

func pointers[T any](items []T) []*T {
	var out []*T
	for i := range items {
		out = append(out, &items[i])
	}
	return out
}

func (s *Space) events(ctx context.Context) []corev1.Event {
	list, err := s.Kube.CoreV1().Events(s.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	return list.Items
}

// logLines are the last lines of the shared daemon that name the namespace.
func (s *Space) logLines() []string {
	if s.World.Daemon == nil {
		return nil
	}
	var lines []string
	for line := range strings.Lines(s.World.Daemon.Log()) {
		if strings.Contains(line, s.Namespace) {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return lines[max(0, len(lines)-60):]
}
