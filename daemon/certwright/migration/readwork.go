package migration

import (
	"context"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/internal/api"
)

// underway lists what cert-manager has begun and not ended.
func (r Reader) underway(ctx context.Context, c *Cluster) error {
	all := metav1.ListOptions{}
	requests, err := r.Certs.CertmanagerV1().CertificateRequests("").List(ctx, all)
	if err != nil {
		return err
	}
	for _, cr := range requests.Items {
		if state := api.RequestCondition(&cr, "Ready"); !api.RequestIssued(&cr) && api.RequestFailed(&cr) == nil {
			said := "not looked at yet"
			if state != nil {
				said = state.Reason
			}
			c.Underway = append(c.Underway, Underway{"CertificateRequest", cr.Namespace, cr.Name, said})
		}
	}
	orders, err := r.Certs.AcmeV1().Orders("").List(ctx, all)
	if err != nil {
		return err
	}
	for _, o := range orders.Items {
		switch o.Status.State {
		case cmacme.Valid, cmacme.Invalid, cmacme.Expired, cmacme.Errored:
		default:
			c.Underway = append(c.Underway, Underway{"Order", o.Namespace, o.Name, orElse(string(o.Status.State), "not made yet")})
		}
	}
	return r.challenges(ctx, c)
}

func (r Reader) challenges(ctx context.Context, c *Cluster) error {
	all, err := r.Certs.AcmeV1().Challenges("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, ch := range all.Items {
		state := orElse(string(ch.Status.State), "queued")
		if ch.Status.Presented {
			state += ", presented"
		}
		c.Underway = append(c.Underway, Underway{"Challenge", ch.Namespace, ch.Name, state})
	}
	return nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
