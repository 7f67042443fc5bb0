package venafi

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/certwright/certwright/handlers/issuers"
)

// session is one issuer's way to its server: a token that all requests share,
// and connections of the library that nobody uses at the moment.
type session struct {
	backend *Backend

	// mu is held while a token is got, so that many requests get it once.
	mu    sync.Mutex
	mark  [sha256.Size]byte
	token string
	// until is when another one is got; zero: not by the clock.
	until time.Time
	free  []*line
	// fitness is how it fared when it was looked at.
	fitness issuers.Fitness
	// refused is what the last login met, at the time refusedAt.
	refused   error
	refusedAt time.Time
}

const (
	// loginTime bounds a login, for which all requests of the issuer wait.
	loginTime = 20 * time.Second
	// refusedFor is how long the others take what the first of them met for
	// their own, lest they wait for a server that hangs one after the other.
	refusedFor = 2 * time.Second
)

// use lends a line to do, and does so once more with credentials got anew when
// the server does not take those any more.
func (s *session) use(ctx context.Context, m material, do func(*line) error) error {
	err := s.once(ctx, m, do)
	var f *fault
	if errors.As(err, &f) && f.denied && s.drop(m) {
		return s.once(ctx, m, do)
	}
	return err
}

func (s *session) once(ctx context.Context, m material, do func(*line) error) error {
	l, err := s.borrow(ctx, m)
	if err != nil {
		return err
	}
	l.witness.begin(ctx)
	err = do(l)
	var f *fault
	if errors.As(err, &f) && f.denied {
		return err // and let it go
	}
	s.giveBack(l)
	return err
}

// borrow takes a line that nobody uses, or makes one.
func (s *session) borrow(ctx context.Context, m material) (*line, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mark != m.mark {
		s.mark, s.free, s.token, s.until, s.refused = m.mark, nil, "", time.Time{}, nil
	}
	if due := !s.until.IsZero() && !s.backend.Clock.Now().Before(s.until); due {
		s.free, s.token = nil, ""
	}
	if n := len(s.free); n > 0 {
		l := s.free[n-1]
		s.free = s.free[:n-1]
		return l, nil
	}
	if s.refused != nil && s.backend.Clock.Now().Sub(s.refusedAt) < refusedFor {
		return nil, s.refused
	}
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	l, err := s.enter(ctx, m)
	s.refused, s.refusedAt = err, s.backend.Clock.Now()
	return l, err
}

// enter makes a line, and gets a token where there is none.
func (s *session) enter(ctx context.Context, m material) (*line, error) {
	l, err := newLine(s.backend.Meters, m)
	if err != nil {
		return nil, err
	}
	l.witness.begin(ctx)
	if s.token == "" {
		lasts, err := l.login()
		if err != nil {
			return nil, err
		}
		s.token, s.until = l.token, time.Time{}
		if lasts > 0 {
			s.until = s.backend.Clock.Now().Add(issuers.Usable(lasts))
		}
	}
	return l, l.authenticate(s.token)
}

// giveBack keeps a line for others, unless the credentials have changed.
func (s *session) giveBack(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.material.mark == s.mark && l.token == s.token {
		s.free = append(s.free, l)
	}
}

// drop forgets a token that the server does not take any more, and tells
// whether another can be got.
func (s *session) drop(m material) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := s.token != ""
	s.token, s.until, s.free = "", time.Time{}, nil
	return had && m.token == "" && m.apiKey == ""
}
