package suite

import (
	"fmt"
	"slices"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// Await waits until want holds of a Certificate.
func (s *Space) Await(name string, want func(*cmapi.Certificate) bool) *cmapi.Certificate {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	crt, err := s.Certificates().Until(ctx, s.Namespace, name, want)
	return must(s, crt, err)
}

// Soon is Await for a state that passes: it begins to watch at once, so that
// the state is not over before anybody looks. The function it returns waits.
func (s *Space) Soon(name string, want func(*cmapi.Certificate) bool) func() *cmapi.Certificate {
	type result struct {
		crt *cmapi.Certificate
		err error
	}
	ctx, cancel := s.Within()
	seen := make(chan result, 1)
	go func() {
		crt, err := s.Certificates().Until(ctx, s.Namespace, name, want)
		seen <- result{crt, err}
	}()
	return func() *cmapi.Certificate {
		s.Helper()
		defer cancel()
		got := <-seen
		return must(s, got.crt, got.err)
	}
}

// Ready waits until a Certificate is Ready for its present spec.
func (s *Space) Ready(name string) *cmapi.Certificate {
	s.Helper()
	return s.Await(name, harness.Ready)
}

// Reissued waits until a Certificate is Ready at a later revision than before.
func (s *Space) Reissued(before *cmapi.Certificate) *cmapi.Certificate {
	s.Helper()
	return s.Await(before.Name, harness.ReadyAt(harness.Revision(before)+1))
}

// Refused waits until a Certificate is not Ready for the reason, and returns
// the message. The condition must be about the present spec.
func (s *Space) Refused(name, reason string) string {
	s.Helper()
	crt := s.Await(name, NotReady(reason))
	return harness.Condition(crt, cmapi.CertificateConditionReady).Message
}

// NotReady tells whether a Certificate is not Ready for the reason.
func NotReady(reason string) func(*cmapi.Certificate) bool {
	return func(crt *cmapi.Certificate) bool {
		c := harness.Condition(crt, cmapi.CertificateConditionReady)
		return c != nil && c.Status == cmmeta.ConditionFalse && c.Reason == reason && c.ObservedGeneration == crt.Generation
	}
}

// AwaitRequest waits until want holds of a CertificateRequest.
func (s *Space) AwaitRequest(name string, want func(*cmapi.CertificateRequest) bool) *cmapi.CertificateRequest {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	cr, err := s.Requests().Until(ctx, s.Namespace, name, want)
	return must(s, cr, err)
}

// RequestEnds waits until a CertificateRequest has the reason in its Ready
// condition, and returns the request and the message.
func (s *Space) RequestEnds(name, reason string) (*cmapi.CertificateRequest, string) {
	s.Helper()
	cr := s.AwaitRequest(name, func(cr *cmapi.CertificateRequest) bool {
		c := harness.RequestCondition(cr, cmapi.CertificateRequestConditionReady)
		return c != nil && c.Reason == reason
	})
	return cr, harness.RequestCondition(cr, cmapi.CertificateRequestConditionReady).Message
}

// AwaitSecret waits until want holds of a Secret.
func (s *Space) AwaitSecret(name string, want func(*corev1.Secret) bool) *corev1.Secret {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	secret, err := s.Secrets().Until(ctx, s.Namespace, name, want)
	return must(s, secret, err)
}

// AwaitEvent waits for an Event about an object whose reason is given and whose
// message holds the text.
func (s *Space) AwaitEvent(object, reason, text string) corev1.Event {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	is := func(e *corev1.Event) bool {
		return e.InvolvedObject.Name == object && e.Reason == reason && strings.Contains(e.Message, text)
	}
	all, err := s.Events().UntilAll(ctx, s.Namespace, func(all []*corev1.Event) bool { return slices.ContainsFunc(all, is) })
	s.Must(err)
	return *all[slices.IndexFunc(all, is)]
}

// AllRequests lists the CertificateRequests of the space.
func (s *Space) AllRequests() []*cmapi.CertificateRequest {
	s.Helper()
	list, err := s.CertManager.CertmanagerV1().CertificateRequests(s.Namespace).List(s.Context(), metav1.ListOptions{})
	return pointers(must(s, list, err).Items)
}

// AllSecrets lists the Secrets of the space.
func (s *Space) AllSecrets() []*corev1.Secret {
	s.Helper()
	list, err := s.Kube.CoreV1().Secrets(s.Namespace).List(s.Context(), metav1.ListOptions{})
	return pointers(must(s, list, err).Items)
}

// NoLeftovers waits until no next-private-key Secret is there or planned: they
// go right after the issuance they were for.
func (s *Space) NoLeftovers() {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	_, err := s.Secrets().UntilAll(ctx, s.Namespace, func(all []*corev1.Secret) bool {
		return !slices.ContainsFunc(all, func(secret *corev1.Secret) bool {
			return secret.Labels[cmapi.IsNextPrivateKeySecretLabelKey] == "true"
		})
	})
	s.Must(err)
	_, err = s.Certificates().UntilAll(ctx, s.Namespace, func(all []*cmapi.Certificate) bool {
		return !slices.ContainsFunc(all, func(crt *cmapi.Certificate) bool { return crt.Status.NextPrivateKeySecretName != nil })
	})
	s.Must(err)
}

// Mentions fails the test unless the text holds all of the words: a message
// must name the field, the fault and the remedy.
func (s *Space) Mentions(text string, words ...string) {
	s.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			s.Errorf("the message does not mention %q: %s", word, text)
		}
	}
}

// OneRequestLeft waits until the only CertificateRequest in the space is the
// one of that revision: history was tidied, and nothing was asked for twice.
func (s *Space) OneRequestLeft(certificate string, revision int) {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	want := fmt.Sprintf("%s-%d", certificate, revision)
	_, err := s.Requests().UntilAll(ctx, s.Namespace, func(all []*cmapi.CertificateRequest) bool {
		return len(all) == 1 && all[0].Name == want
	})
	s.Must(err)
}
