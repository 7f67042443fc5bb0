package doctor

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/certwright/certwright/daemon/certwright/checks"
	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/daemon/connection"
)

// Source is what the doctor looks at.
type Source struct {
	Config  *rest.Config
	Kube    kubernetes.Interface
	Certs   versioned.Interface
	Dynamic dynamic.Interface
	// Namespace is where rehearsals are held; Lease where the daemon is looked for.
	Namespace string
	Lease     checks.LeaseName
	// Options are the daemon's.
	Options config.Config
	// Rights are what the daemon asks for; Account whose they are, or empty for our own.
	Rights  []authorizationv1.ResourceAttributes
	Account string
	Now     func() time.Time
}

// askTime bounds one question, to an API server or to anybody else.
const askTime = 15 * time.Second

// Observe looks at everything. What cannot be looked at is said in the facts.
func Observe(ctx context.Context, s Source) Facts {
	f := Facts{Unseen: map[string]string{}}
	if f.Server = s.server(ctx); f.Server.Fault != "" {
		return f
	}
	var mu sync.Mutex
	var looking sync.WaitGroup
	for part, look := range map[string]func(context.Context, *Facts) error{
		"api": s.checks, "crds": s.definitions, "rights": s.rights, "policies": s.policies, "webhooks": s.webhooks,
		"dns": s.resolvers, "issuers": s.issuers, "solvers": s.solvers, "stuck": s.stuck, "secrets": s.secrets,
	} {
		looking.Go(func() { // each fills fields of its own
			ctx, cancel := context.WithTimeout(ctx, 4*askTime)
			defer cancel()
			if err := look(ctx, &f); err != nil {
				mu.Lock()
				f.Unseen[part] = err.Error()
				mu.Unlock()
			}
		})
	}
	looking.Wait()
	f.Responder = s.responder(ctx, f.Issuers)
	return f
}

// server asks the API server who we are and what time it is.
func (s Source) server(ctx context.Context) Server {
	out := Server{Host: s.Config.Host, Credentials: connection.Whose(s.Config)}
	out.Until, _ = connection.Validity(s.Config)
	client, err := rest.HTTPClientFor(s.Config)
	if err != nil {
		out.Fault, out.Remedy = err.Error(), "check the files that the kubeconfig names"
		return out
	}
	client.Timeout = askTime
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Config.Host+"/version", nil)
	if err != nil {
		out.Fault, out.Remedy = err.Error(), "check server in the kubeconfig"
		return out
	}
	for range 2 { // the first one makes the connection
		began := s.Now()
		response, err := client.Do(request)
		if err != nil {
			out.Fault, out.Remedy = connection.Reason(err), connection.Remedy(err)
			return out
		}
		_ = response.Body.Close()
		out.Latency = s.Now().Sub(began)
		out.Skew, _ = connection.Skew(response, began, s.Now())
		if response.StatusCode == http.StatusUnauthorized {
			out.Fault, out.Remedy = "it refuses these credentials", connection.Diagnose(s.Config, s.Now())
			return out
		}
	}
	me, err := s.Kube.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err == nil {
		out.Who = me.Status.UserInfo.Username
	}
	return out
}

func (s Source) checks(ctx context.Context, f *Facts) error {
	f.Checks = checks.Run(ctx, checks.API{
		Discovery: s.Kube.Discovery(), Groups: s.Kube.Discovery(), Certs: s.Certs.CertmanagerV1(),
		Leases: s.Kube.CoordinationV1(), Reviews: s.Kube.AuthorizationV1(), Namespace: s.Namespace, Lease: s.Lease,
	}, s.Now())
	return nil
}
