package challenges

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/tracing"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// observe gathers what Next looks at. Errors: what reading the account's
// Secret answered.
func (h *Handler) observe(ctx context.Context, ch *cmacme.Challenge, m *recollection) (Observed, error) {
	o := Observed{Challenge: ch, Server: m.server, Runs: h.runs.look(ch.UID), Told: m.told, CheckPeriod: h.CheckPeriod}
	if ch.DeletionTimestamp != nil || api.ACMEFinal(ch.Status.State) || !ch.Status.Processing {
		return o, nil // neither the server nor the issuer counts any more
	}
	_, err := h.account(ctx, ch)
	var fault *acme.Fault
	if errors.As(err, &fault) {
		o.Blocked = fault.Message
		return o, nil
	}
	if err == nil && h.Solvers[ch.Spec.Type] == nil {
		o.Blocked = fmt.Sprintf("spec.type: %s is not served by this certwright: use a solver of another type", ch.Spec.Type)
	}
	return o, err
}

// account finds the account at the server. Errors: a fault that lasts until
// somebody mends it, else what reading the account's Secret answered.
func (h *Handler) account(ctx context.Context, ch *cmacme.Challenge) (acme.Account, error) {
	ref := api.IssuerRef(ch.Spec.IssuerRef)
	issuer := h.Cache.IssuerFor(ch.Namespace, ref)
	switch {
	case issuer == nil:
		return acme.Account{}, &acme.Fault{Message: fmt.Sprintf(
			"spec.issuerRef: %s does not exist: create it again, and this challenge goes on", api.DescribeIssuer(ref))}
	case issuer.GetSpec().ACME == nil:
		return acme.Account{}, &acme.Fault{Message: fmt.Sprintf(
			"spec.issuerRef: %s is not of type acme any more: make it so again, or delete the Order", api.DescribeIssuer(ref))}
	}
	return h.Accounts.Of(ctx, issuer)
}

// perform carries out a step. more is true when only what is remembered has
// changed, so that the next step may follow at once.
func (h *Handler) perform(ctx context.Context, key queue.Key, m *recollection, o Observed, step Step) (result queue.Result, more bool, err error) {
	ch := o.Challenge
	switch s := step.(type) {
	case Rest:
		return queue.Result{After: s.After}, false, nil
	case Write:
		return result, false, h.store(ctx, key, ch, s)
	case Adopt:
		return result, false, h.finalizers(ctx, key, ch, append(slices.Clone(ch.Finalizers), cmacme.ACMEDomainQualifiedFinalizer))
	case Free:
		return result, false, h.free(ctx, key, ch, s)
	case Tell:
		m.told = true
		h.event(ch, s.Event)
	case Ask:
		err = h.ask(ctx, ch, m)
	case Accept:
		err = h.accept(ctx, ch, m)
	case Start:
		h.start(ctx, key, ch, s.Verb)
	}
	return result, err == nil, err
}

// store writes a status over the version that was seen, and then tells of it.
func (h *Handler) store(ctx context.Context, key queue.Key, ch *cmacme.Challenge, s Write) error {
	next := ch.DeepCopy()
	next.Status = s.Status
	written, err := h.Client.Challenges(ch.Namespace).UpdateStatus(ctx, next, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("write status of the challenge: %w", err)
	}
	h.own.Stored(key, written, h.Clock.Now())
	for _, e := range s.Events {
		h.event(ch, e)
	}
	return nil
}

func (h *Handler) event(ch *cmacme.Challenge, e Event) {
	kind := corev1.EventTypeNormal
	if e.Warning {
		kind = corev1.EventTypeWarning
	}
	h.Events.Event(ch, kind, e.Reason, e.Message)
}

// free lets an object go, and says what stays behind if something does.
func (h *Handler) free(ctx context.Context, key queue.Key, ch *cmacme.Challenge, s Free) error {
	kept := slices.DeleteFunc(slices.Clone(ch.Finalizers), isOurs)
	if err := h.finalizers(ctx, key, ch, kept); err != nil {
		return err
	}
	if s.Left != "" {
		h.event(ch, Event{true, "CleanUpError", fmt.Sprintf("gave up taking away the proof of %q for %s, remove it by hand: %s", ch.Spec.DNSName, ch.Spec.Type, s.Left)})
	}
	return nil
}

// finalizers stores another list over the version that was seen.
func (h *Handler) finalizers(ctx context.Context, key queue.Key, ch *cmacme.Challenge, list []string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": ch.ResourceVersion, "finalizers": list}})
	if err != nil {
		return err
	}
	written, err := h.Client.Challenges(ch.Namespace).Patch(ctx, ch.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	switch {
	case apierrors.IsNotFound(err), err == nil && ch.DeletionTimestamp != nil && len(list) == 0:
		h.own.Gone(key, ch, h.Clock.Now())
	case err != nil:
		return fmt.Errorf("write finalizers of the challenge: %w", err)
	default:
		h.own.Stored(key, written, h.Clock.Now())
	}
	return nil
}

// start has the solver do something. Without a solver there is nothing that it
// could have left behind.
func (h *Handler) start(ctx context.Context, key queue.Key, ch *cmacme.Challenge, v Verb) {
	solver, task := h.Solvers[ch.Spec.Type], h.task(ch)
	h.runs.start(ctx, key, ch.UID, v, func(ctx context.Context) (err error) {
		defer tracing.Measure(ctx, "solver: "+v.String())(&err)
		switch {
		case solver == nil:
			return nil
		case v == Present:
			return solver.Present(ctx, task)
		case v == Visible:
			return solver.Visible(ctx, task)
		default:
			return solver.Remove(ctx, task)
		}
	})
}

func (h *Handler) task(ch *cmacme.Challenge) Task {
	t := Task{Challenge: ch, SecretNamespace: ch.Namespace, Ambient: h.AmbientIssuers}
	present := h.runs.look(ch.UID)[Present]
	t.First = present.never() && ch.Status.State == cmacme.Unknown
	t.Doubt = h.Clock.Since(present.Ended) > h.CheckPeriod
	if api.IssuerRef(ch.Spec.IssuerRef).Kind == cmapi.ClusterIssuerKind {
		t.SecretNamespace, t.Ambient = h.ClusterNamespace, h.AmbientClusterIssuers
	}
	t.KeyAuthorization = func(ctx context.Context) (string, error) {
		account, err := h.account(ctx, ch)
		if err != nil {
			return "", err
		}
		return account.KeyAuthorization(ch.Spec.Token)
	}
	return t
}
