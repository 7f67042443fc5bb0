package dns01

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/httpapi"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/rest"
)

const webhookField = "spec.solver.dns01.webhook"

// remote is a solver of another program, behind an aggregated API (contract 1.4).
type remote struct {
	api  rest.Interface
	task challenges.Task
	spec *cmacme.ACMEIssuerDNS01ProviderWebhook
}

// payload is the ChallengePayload of webhook.acme.cert-manager.io/v1alpha1.
type payload struct {
	metav1.TypeMeta `json:",inline"`
	Request         *request  `json:"request,omitempty"`
	Response        *response `json:"response,omitempty"`
}

type request struct {
	UID                     types.UID       `json:"uid"`
	Action                  string          `json:"action"`
	Type                    string          `json:"type"`
	DNSName                 string          `json:"dnsName"`
	Key                     string          `json:"key"`
	ResourceNamespace       string          `json:"resourceNamespace"`
	ResolvedFQDN            string          `json:"resolvedFQDN,omitempty"`
	ResolvedZone            string          `json:"resolvedZone,omitempty"`
	AllowAmbientCredentials bool            `json:"allowAmbientCredentials"`
	Config                  json.RawMessage `json:"config,omitempty"`
}

type response struct {
	UID     types.UID      `json:"uid"`
	Success bool           `json:"success"`
	Result  *metav1.Status `json:"status,omitempty"`
}

// Set has the webhook make the record.
func (w *remote) Set(ctx context.Context, r record.Record) error { return w.call(ctx, "Present", r) }

// Unset has the webhook remove the record.
func (w *remote) Unset(ctx context.Context, r record.Record) error { return w.call(ctx, "CleanUp", r) }

func (w *remote) call(ctx context.Context, action string, r record.Record) error {
	if w.spec.GroupName == "" || w.spec.SolverName == "" || strings.ContainsAny(w.spec.GroupName+w.spec.SolverName, "/?#%") {
		return challenges.Faulty("%s: groupName and solverName must both be set, as the webhook's own documentation has them", webhookField)
	}
	zone, err := r.Zone(ctx)
	if err != nil {
		return faulty(err)
	}
	body, err := json.Marshal(w.payload(action, r, zone))
	if err != nil {
		return fmt.Errorf("encode the request to the webhook: %w", err)
	}
	raw, err := w.api.Post().AbsPath("/apis", w.spec.GroupName, "v1alpha1", w.spec.SolverName).
		SetHeader("Content-Type", "application/json").SetHeader("Accept", "application/json").
		Body(body).Do(ctx).Raw()
	var answer payload
	if json.Unmarshal(raw, &answer) == nil && answer.Response != nil {
		return w.judge(*answer.Response)
	}
	if err == nil {
		return challenges.Faulty("%s: what is served as %s/%s is no solver: its answer has no response; correct groupName and solverName", webhookField, w.spec.GroupName, w.spec.SolverName)
	}
	return w.unreached(ctx, err, raw)
}

func (w *remote) payload(action string, r record.Record, zone string) payload {
	spec := w.task.Challenge.Spec
	p := payload{
		TypeMeta: metav1.TypeMeta{Kind: "ChallengePayload", APIVersion: "webhook.acme.cert-manager.io/v1alpha1"},
		Request: &request{
			UID: uuid.NewUUID(), Action: action, Type: "dns-01", DNSName: spec.DNSName, Key: spec.Key,
			ResourceNamespace: w.task.SecretNamespace, ResolvedFQDN: r.Name, ResolvedZone: zone,
			AllowAmbientCredentials: w.task.Ambient,
		},
	}
	if w.spec.Config != nil {
		p.Request.Config = w.spec.Config.Raw
	}
	return p
}

func (w *remote) judge(r response) error {
	if r.Success {
		return nil
	}
	said := ""
	if r.Result != nil {
		said = strings.Trim(string(r.Result.Reason)+": "+httpapi.Stable(r.Result.Message), ": ")
	}
	return undone{fmt.Sprintf("the webhook %s/%s: %s", w.spec.GroupName, w.spec.SolverName, cmp.Or(said, "no reason given"))}
}
