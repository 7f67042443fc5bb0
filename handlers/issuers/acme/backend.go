package acme

import (
	"context"
	"crypto"
	"sync"
	"time"

	"github.com/certwright/certwright/handlers/issuers"
	proto "github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	acmeclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/acme/v1"
	corev1 "k8s.io/api/core/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/clock"
)

// Server is what the backend asks of ACME servers. Errors: an *acme.Error.
type Server interface {
	Register(ctx context.Context, a proto.Account, r proto.Registration) (proto.Registered, error)
	UpdateEmail(ctx context.Context, a proto.Account, email string) error
	Revoke(ctx context.Context, a proto.Account, leafDER []byte, reason int) error
	PausedUntil(a proto.Account) (until time.Time, why string)
	Lost(a proto.Account) (why string, lost bool)
}

// Accounts finds what is stored of an issuer's account. Errors: an *acme.Fault
// when somebody has to mend something, any other when trying again may help.
type Accounts interface {
	Of(ctx context.Context, issuer cmapi.GenericIssuer) (proto.Account, error)
	Key(ctx context.Context, namespace string, ref cmmeta.SecretKeySelector) (crypto.Signer, error)
	KeyOf(secret *corev1.Secret, err error, namespace string, ref cmmeta.SecretKeySelector) (crypto.Signer, error)
}

// Cache is what the backend reads besides Secrets.
type Cache interface {
	Order(namespace, name string) *cmacme.Order
}

// Backend is the ACME issuer type.
type Backend struct {
	server   Server
	accounts Accounts
	secrets  issuers.Secrets
	cache    Cache
	core     coreclient.SecretsGetter
	orders   acmeclient.OrdersGetter
	clock    clock.PassiveClock

	mu       sync.Mutex
	users    map[string]map[queue.Key]bool // issuers, by the id of their account
	refusals map[queue.Key]refusal
}

var (
	_ issuers.Backend = (*Backend)(nil)
	_ issuers.Revoker = (*Backend)(nil)
)

// Needs are what a Backend is made with.
type Needs struct {
	Server   Server
	Accounts Accounts
	Secrets  issuers.Secrets
	Cache    Cache
	Core     coreclient.SecretsGetter
	Orders   acmeclient.OrdersGetter
	Clock    clock.PassiveClock
}

// New makes a backend.
func New(n Needs) *Backend {
	return &Backend{
		server: n.Server, accounts: n.Accounts, secrets: n.Secrets, cache: n.Cache, core: n.Core, orders: n.Orders, clock: n.Clock,
		users: map[string]map[queue.Key]bool{}, refusals: map[queue.Key]refusal{},
	}
}

// Concerned are the issuers that use an account, so that they can be woken when
// something is told of it that no cache tells.
func (b *Backend) Concerned(a proto.Account) (keys []queue.Key) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k := range b.users[a.ID()] {
		keys = append(keys, k)
	}
	return keys
}

// uses notes that an issuer uses an account.
func (b *Backend) uses(i issuers.Issuer, a proto.Account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := a.ID()
	if b.users[id] == nil {
		b.users[id] = map[queue.Key]bool{}
	}
	b.users[id][keyOf(i)] = true
}

func keyOf(i issuers.Issuer) queue.Key {
	if i.Kind == cmapi.ClusterIssuerKind {
		return queue.Key{Kind: queue.ClusterIssuer, Name: i.Name}
	}
	return queue.Key{Kind: queue.Issuer, Namespace: i.Namespace, Name: i.Name}
}
