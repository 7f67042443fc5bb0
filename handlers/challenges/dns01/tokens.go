package dns01

import (
	"context"
	"fmt"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"
	"github.com/certwright/certwright/handlers/challenges/dns01/route53"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
)

func (s *Solver) route53(p *cmacme.ACMEIssuerDNS01ProviderRoute53, t challenges.Task, read *reader) build {
	c := route53.Config{
		AccessKeyID: p.AccessKeyID, Role: p.Role, Ambient: t.Ambient,
		HostedZoneID: p.HostedZoneID, Region: p.Region,
	}
	if p.SecretAccessKeyID != nil {
		if p.AccessKeyID != "" {
			read.err = challenges.Faulty("spec.solver.dns01.route53: accessKeyID and accessKeyIDSecretRef are both set: keep one")
			return nil
		}
		c.AccessKeyID = read.value("route53.accessKeyIDSecretRef", *p.SecretAccessKeyID)
	}
	if p.SecretAccessKey.Name != "" {
		c.SecretAccessKey = read.value("route53.secretAccessKeySecretRef", p.SecretAccessKey)
	}
	if p.Auth != nil && p.Auth.Kubernetes != nil && p.Auth.Kubernetes.ServiceAccountRef != nil {
		c.Token = s.token(t.SecretNamespace, *p.Auth.Kubernetes.ServiceAccountRef)
	}
	// The call's context goes on while the provider is used by others.
	return func() (record.Provider, error) { return route53.New(context.WithoutCancel(read.ctx), c) }
}

// audience is whom AWS takes tokens for.
const audience = "sts.amazonaws.com"

func (s *Solver) token(namespace string, ref cmacme.ServiceAccountRef) func(context.Context) (string, error) {
	audiences := ref.TokenAudiences
	if len(audiences) == 0 {
		audiences = []string{audience}
	}
	return func(ctx context.Context) (string, error) {
		const field = "spec.solver.dns01.route53.auth.kubernetes.serviceAccountRef"
		token, err := s.Tokens.Token(ctx, namespace, ref.Name, audiences)
		switch {
		case err == nil:
			return token, nil
		case apierrors.IsNotFound(err):
			return "", challenges.Faulty("%s: there is no ServiceAccount %s/%s: create it, or correct name", field, namespace, ref.Name)
		case apierrors.IsForbidden(err):
			return "", challenges.Faulty("%s: the daemon may not get tokens of the ServiceAccount %s/%s: grant it create on serviceaccounts/token for that name by a Role in the namespace", field, namespace, ref.Name)
		}
		return "", fmt.Errorf("get a token of ServiceAccount %s/%s: %w", namespace, ref.Name, err)
	}
}

// ServiceAccounts gets tokens from the API server.
type ServiceAccounts struct {
	Client coreclient.ServiceAccountsGetter
}

// tokenLife in seconds: the shortest that the API server gives.
const tokenLife = 600

// Token asks for a token of a service account.
func (a ServiceAccounts) Token(ctx context.Context, namespace, name string, audiences []string) (string, error) {
	life := int64(tokenLife)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences, ExpirationSeconds: &life}}
	answer, err := a.Client.ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return answer.Status.Token, nil
}
