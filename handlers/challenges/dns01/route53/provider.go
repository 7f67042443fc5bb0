package route53

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/httpapi"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
)

const field = "spec.solver.dns01.route53"

// Provider writes to the hosted zones of one account.
type Provider struct {
	client *route53.Client
	zone   string // id; empty: to be found
}

// New checks a configuration and prepares to sign in. Errors: a
// *challenges.Fault that names the field.
func New(ctx context.Context, c Config) (*Provider, error) {
	config, err := c.load(ctx)
	if err != nil {
		return nil, err
	}
	return &Provider{client: route53.NewFromConfig(config), zone: strings.TrimPrefix(c.HostedZoneID, "/hostedzone/")}, nil
}

// Set makes the record set of the value.
func (p *Provider) Set(ctx context.Context, r record.Record) error {
	zone, err := p.hostedZone(ctx, r)
	if err != nil {
		return err
	}
	if zone == "" {
		return challenges.Faulty("%s: no public hosted zone of the account holds %s: make one, or set hostedZoneID", field, r.Name)
	}
	return p.judge(p.change(ctx, zone, types.ChangeActionUpsert, r), r)
}

// Unset deletes the record set of the value.
func (p *Provider) Unset(ctx context.Context, r record.Record) error {
	zone, err := p.hostedZone(ctx, r)
	if err != nil || zone == "" {
		return err
	}
	err = p.change(ctx, zone, types.ChangeActionDelete, r)
	if code(err) == "InvalidChangeBatch" {
		return nil // it is not there
	}
	return p.judge(err, r)
}

func (p *Provider) change(ctx context.Context, zone string, action types.ChangeAction, r record.Record) error {
	_, err := p.client.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(zone),
		ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: action, ResourceRecordSet: &types.ResourceRecordSet{
			Name: aws.String(r.Name), Type: types.RRTypeTxt, TTL: aws.Int64(record.TTL),
			MultiValueAnswer: aws.Bool(true), SetIdentifier: aws.String(r.Quoted()), // cert-manager's identifier too
			ResourceRecords: []types.ResourceRecord{{Value: aws.String(r.Quoted())}},
		}}}},
	})
	return err
}

// hostedZone finds the id of the public zone that holds a record; empty when
// none does.
func (p *Provider) hostedZone(ctx context.Context, r record.Record) (string, error) {
	if p.zone != "" {
		return p.zone, nil
	}
	for _, name := range r.Candidates(ctx) {
		answer, err := p.client.ListHostedZonesByName(ctx, &route53.ListHostedZonesByNameInput{DNSName: aws.String(strings.TrimSuffix(name, "."))})
		if err != nil {
			return "", p.judge(err, r)
		}
		for _, z := range answer.HostedZones {
			if aws.ToString(z.Name) == name && (z.Config == nil || !z.Config.PrivateZone) {
				return strings.TrimPrefix(aws.ToString(z.Id), "/hostedzone/"), nil
			}
		}
	}
	return "", nil
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// judge keeps code and words of an error; the rest of AWS's text names requests.
func (p *Provider) judge(err error, r record.Record) error {
	if err == nil {
		return nil
	}
	var e smithy.APIError
	var fault *challenges.Fault
	switch {
	case errors.As(err, &fault):
		return fault
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("ask Amazon Route 53: %w", err)
	case !errors.As(err, &e):
		return errors.New("sign in at Amazon Route 53, or reach it: " + httpapi.Stable(last(err)))
	}
	said := e.ErrorCode() + ": " + httpapi.Stable(e.ErrorMessage())
	switch e.ErrorCode() {
	case "AccessDenied", "AccessDeniedException", "NotAuthorized":
		return challenges.Faulty("%s: AWS refuses: %s; grant the identity the actions that it lacks, of route53:ChangeResourceRecordSets, route53:ListHostedZonesByName and sts:AssumeRole", field, said)
	case "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException", "ExpiredToken", "InvalidIdentityToken", "IncompleteSignature", "InvalidSignatureException":
		return challenges.Faulty("%s: AWS does not accept the credentials: %s; store an access key that is valid", field, said)
	case "NoSuchHostedZone", "InvalidInput":
		return challenges.Faulty("%s.hostedZoneID: AWS does not accept the change: %s; correct the id, or leave it out", field, said)
	case "InvalidChangeBatch":
		return challenges.Faulty("%s: AWS does not accept the change: %s; if a TXT record without a set identifier stands at %s, remove it, and if the zone is another one, set hostedZoneID", field, said, r.Name)
	}
	return fmt.Errorf("ask Amazon Route 53: %s", said)
}

// last is the innermost error, without operations and requests.
func last(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
