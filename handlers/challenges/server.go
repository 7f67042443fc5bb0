package challenges

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// messageValid is the reason of a challenge that is proved.
const messageValid = "the server has found the proof"

// ask asks the server how the authorization stands.
func (h *Handler) ask(ctx context.Context, ch *cmacme.Challenge, m *recollection) error {
	account, err := h.account(ctx, ch)
	if err != nil {
		return err
	}
	auth, err := h.ACME.Authorization(ctx, account, ch.Spec.AuthorizationURL)
	if err != nil {
		return h.refused(m, err)
	}
	h.said(ch, m, auth)
	return nil
}

// accept tells the server to look, after a look of ours at the API server:
// that cannot be taken back.
func (h *Handler) accept(ctx context.Context, ch *cmacme.Challenge, m *recollection) error {
	live, err := h.Client.Challenges(ch.Namespace).Get(ctx, ch.Name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("read the challenge before the server is told: %w", err)
	}
	if err != nil || live.UID != ch.UID || live.DeletionTimestamp != nil || !live.Status.Processing || api.ACMEFinal(live.Status.State) {
		// The cache will show it.
		return apierrors.NewConflict(cmacme.Resource("challenges"), ch.Name, errors.New("it has changed since it was decided to have it validated"))
	}
	account, err := h.account(ctx, ch)
	if err != nil {
		return err
	}
	if _, err = h.ACME.Accept(ctx, account, ch.Spec.URL); err != nil {
		return h.unaccepted(ctx, ch, account, m, err)
	}
	m.server.Accepted, m.server.Looks, m.server.Trouble = true, 0, ""
	m.server.Again = h.Clock.Now().Add(lookPauses[0])
	return nil
}

// unaccepted asks what a refusal means: a server also refuses what it was told
// already, by us before a crash.
func (h *Handler) unaccepted(ctx context.Context, ch *cmacme.Challenge, account acme.Account, m *recollection, refusal error) error {
	if fault := asFault(refusal); fault.Class != acme.Refused {
		return h.refused(m, refusal)
	}
	auth, err := h.ACME.Authorization(ctx, account, ch.Spec.AuthorizationURL)
	if err != nil {
		return h.refused(m, err)
	}
	if h.said(ch, m, auth); m.server.End != "" || m.server.Accepted {
		return nil
	}
	return h.refused(m, refusal)
}

// lookPauses lie between looks at what a server makes of a challenge, unless
// it names a time itself. Most are done within a second, and nearly all within
// a quarter of a minute; until the end is seen a place is taken for nothing.
var lookPauses = []time.Duration{
	500 * time.Millisecond, time.Second, 1500 * time.Millisecond, 2 * time.Second, 2 * time.Second, 2 * time.Second,
	3 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second,
}

// said enters what the server said of the authorization.
func (h *Handler) said(ch *cmacme.Challenge, m *recollection, auth acme.Authorization) {
	own := ownOf(ch, auth)
	if !m.asked { // it cannot have been told by this process
		m.asked, m.inherited = true, own.State == acme.Processing || own.State == acme.Invalid
	}
	m.server.State, m.server.Trouble, m.server.Paused = auth.State, "", time.Time{}
	m.server.End, m.server.Words = endOf(auth.State, own)
	if m.server.End == cmacme.Invalid && m.inherited && ch.Spec.Type == cmacme.ACMEChallengeTypeHTTP01 {
		m.server.Words = api.Interrupted + ": " + m.server.Words
	}
	if own.State == acme.Processing {
		m.server.Accepted = true
	}
	m.server.Looks++
	pause := lookPauses[min(m.server.Looks, len(lookPauses)-1)]
	m.server.Again = h.Clock.Now().Add(max(pause, auth.RetryAfter))
}

// ownOf is the challenge of the authorization that is ours.
func ownOf(ch *cmacme.Challenge, auth acme.Authorization) acme.Challenge {
	for _, c := range auth.Challenges {
		if c.URL == ch.Spec.URL {
			return c
		}
	}
	return acme.Challenge{}
}

// endOf is what an authorization's state makes of its challenge, with the
// server's words.
func endOf(state acme.State, own acme.Challenge) (cmacme.State, string) {
	why := ""
	if own.Problem != nil {
		why = ": " + own.Problem.Error()
	}
	switch state {
	case acme.Valid:
		return cmacme.Valid, messageValid
	case acme.Invalid:
		return cmacme.Invalid, "the server does not accept the proof" + why
	case acme.Expired:
		return cmacme.Expired, "the authorization has expired at the server before it was proved" + why
	case acme.Revoked, acme.Deactivated:
		return cmacme.Invalid, fmt.Sprintf("the authorization was %s at the server%s", state, why)
	default:
		return "", ""
	}
}

// refused enters a fault, and returns it where it is one that passes.
func (h *Handler) refused(m *recollection, err error) error {
	fault := asFault(err)
	text := strings.TrimSpace(fault.Error())
	switch fault.Class {
	case acme.Refused, acme.NoAccount, acme.Gone:
		m.server.End, m.server.Words = cmacme.Errored, "the server refuses the challenge: "+text
		if fault.Class == acme.Gone || fault.Type == "malformed" { // contract 1.4
			m.server.End = cmacme.Expired
		}
		return nil
	case acme.Paused:
		m.server.Trouble = "the server asks not to be asked for a while: " + text
		m.server.Paused = h.Clock.Now().Add(max(fault.RetryAfter, time.Second))
		return nil
	default:
		m.server.Trouble = "the server cannot be asked: " + text
		return fmt.Errorf("ask the ACME server: %w", err)
	}
}

// asFault takes an error without a class for one that passes.
func asFault(err error) *acme.Error {
	var fault *acme.Error
	if errors.As(err, &fault) {
		return fault
	}
	return &acme.Error{Class: acme.Transient, Detail: err.Error(), Err: err}
}
