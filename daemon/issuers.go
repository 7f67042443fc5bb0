package daemon

import (
	"context"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/handlers/issuers/vault"
	"github.com/certwright/certwright/handlers/issuers/venafi"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
)

// remoteIssuers are the issuer types that have a server sign.
func (d *Daemon) remoteIssuers() map[issuers.Type]issuers.Backend {
	return map[issuers.Type]issuers.Backend{
		issuers.Vault: vault.New(vault.Options{
			Secrets: d.set, ServiceAccounts: serviceAccounts{d.clients.Core}, Wake: d.queue.Add, Clock: clock.RealClock{},
			IssuerAmbient: d.cfg.IssuerAmbientCredentials, ClusterIssuerAmbient: d.cfg.ClusterIssuerAmbientCredentials,
		}),
		issuers.Venafi: venafi.New(venafi.Options{
			Secrets: d.set, Wake: d.queue.Add, Meters: newVenafiMetrics(d.metrics), Clock: clock.RealClock{},
		}),
	}
}

// serviceAccounts has the API server make tokens of service accounts. The
// right to it is not in deploy/rbac: who refers to a service account grants it,
// for that one, lest certwright could act as every other.
type serviceAccounts struct{ client kubernetes.Interface }

// tokenSeconds is the least that Kubernetes gives: a login takes one second.
const tokenSeconds = 600

func (s serviceAccounts) Token(ctx context.Context, namespace, name string, audiences []string) (string, error) {
	request := &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: audiences, ExpirationSeconds: ptr.To(int64(tokenSeconds))},
	}
	answer, err := s.client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return answer.Status.Token, nil
}
