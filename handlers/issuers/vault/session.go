package vault

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/certwright/certwright/handlers/issuers"

	vaultapi "github.com/hashicorp/vault/api"
)

// session is one issuer's way to its Vault: a connection and a login, which all
// its requests share.
type session struct {
	backend *Backend

	// mu is held while logging in, so that many requests log in once.
	mu   sync.Mutex
	mark [sha256.Size]byte
	// client has the token; door is who got it.
	client, door *vaultapi.Client
	hide         []string
	// until is when the login is renewed or made anew; zero: never.
	until     time.Time
	renewable bool
	// fitness is how it fared when it was looked at.
	fitness issuers.Fitness
	// refused is what the last login met, at the time refusedAt.
	refused   error
	refusedAt time.Time
}

const (
	// loginTime bounds a login, for which all requests of the issuer wait.
	loginTime = 15 * time.Second
	// refusedFor is how long the others take what the first of them met for
	// their own, lest they wait for a server that hangs one after the other.
	refusedFor = 2 * time.Second
)

// opened is a session at one moment.
type opened struct {
	*vaultapi.Client
	material
	hide []string
}

// open gives a client that is logged in. Errors: a fault, or the API server's.
func (s *session) open(ctx context.Context, m material) (opened, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil || s.mark != m.mark {
		if err := s.connect(m); err != nil {
			return opened{}, err
		}
	}
	if s.client.Token() == "" || s.due() && !s.renew(ctx) {
		if err := s.enter(ctx, m); err != nil {
			return opened{}, err
		}
	}
	return opened{s.client, m, s.hide}, nil
}

// enter logs in, unless somebody has just been refused.
func (s *session) enter(ctx context.Context, m material) error {
	now := s.backend.Clock.Now()
	if s.refused != nil && now.Sub(s.refusedAt) < refusedFor {
		return s.refused
	}
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	s.refused = s.login(ctx, m)
	s.refusedAt = s.backend.Clock.Now()
	return s.refused
}

// connection gives a client for what needs no login.
func (s *session) connection(m material) (*vaultapi.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil || s.mark != m.mark {
		if err := s.connect(m); err != nil {
			return nil, err
		}
	}
	return s.client, nil
}

// connect begins a session anew, without a login.
func (s *session) connect(m material) error {
	client, err := newClient(m, nil)
	if err != nil {
		return err
	}
	s.client, s.door, s.mark, s.hide, s.refused = client, client, m.mark, []string{m.credential}, nil
	if m.login != nil {
		if s.door, err = newClient(m, m.login); err != nil {
			s.client = nil
			return err
		}
	}
	return nil
}

// drop forgets a login that Vault does not accept any more, unless it has been
// made anew already, and tells whether the next one may fare better.
func (s *session) drop(token string, m material) bool {
	if m.spec().Auth.TokenSecretRef != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil && s.client.Token() == token {
		s.client.ClearToken()
	}
	return true
}

// due tells whether the lease is about to end.
func (s *session) due() bool { return !s.until.IsZero() && !s.backend.Clock.Now().Before(s.until) }

// lease notes how long a token lasts. It is left in time for the calls that
// are under way with it.
func (s *session) lease(seconds int, renewable bool) {
	s.until, s.renewable = time.Time{}, renewable
	if seconds > 0 {
		lasts := time.Duration(seconds) * time.Second
		s.until = s.backend.Clock.Now().Add(issuers.Usable(lasts))
	}
}

// renew prolongs the lease. A login whose secret may be used once only lives
// by that; where it does not work, a new login may.
func (s *session) renew(ctx context.Context) bool {
	if !s.renewable {
		return false
	}
	s.door.SetToken(s.client.Token())
	secret, err := s.door.Auth().Token().RenewSelfWithContext(ctx, 0)
	if s.door != s.client {
		s.door.ClearToken()
	}
	if err != nil || secret == nil || secret.Auth == nil {
		return false
	}
	s.lease(secret.Auth.LeaseDuration, secret.Auth.Renewable)
	return !s.due()
}
