package acmetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/acme"
)

type account struct {
	url, status string
	key         jwk
	contacts    []string
	orders      []string
}

type order struct {
	url, certificate, profile, replaces string
	state                               acme.State
	account                             *account
	identifiers                         []acme.Identifier
	auths                               []*authorization
	expires                             time.Time
	notAfter                            *time.Time
	looks                               int // still processing
	problem                             *Problem
}

type authorization struct {
	url        string
	account    *account
	identifier acme.Identifier
	wildcard   bool
	state      acme.State
	expires    time.Time
	challenges []*challenge
}

type challenge struct {
	url, kind, token string
	state            acme.State
	problem          *Problem
	validated        time.Time
}

const life = 7 * 24 * time.Hour // of orders and authorizations

func (s *Server) newAccount(w http.ResponseWriter, c call) error {
	var asked struct {
		Contact                []string
		OnlyReturnExisting     bool
		TermsOfServiceAgreed   bool
		ExternalAccountBinding json.RawMessage
	}
	if err := json.Unmarshal(c.payload, &asked); err != nil {
		return err
	}
	status := http.StatusOK
	found := s.accountOf(c.key)
	switch {
	case found != nil && found.status != "valid":
		return Problem{Status: http.StatusForbidden, Type: "unauthorized", Detail: "the account is not valid: it is " + found.status}
	case found == nil && asked.OnlyReturnExisting:
		return Problem{Type: "accountDoesNotExist", Detail: "there is no account for this key"}
	case found == nil && !asked.TermsOfServiceAgreed:
		return Problem{Status: http.StatusForbidden, Type: "userActionRequired", Detail: "the terms must be agreed to"}
	case found == nil:
		if err := s.bound(asked.ExternalAccountBinding, c.key); err != nil {
			return err
		}
		found = &account{url: s.next("account"), status: "valid", key: c.key, contacts: asked.Contact}
		s.accounts[found.url], status = found, http.StatusCreated
	}
	s.showAccount(w, status, found)
	return nil
}

func (s *Server) accountOf(key jwk) *account {
	for _, a := range s.accounts {
		if a.key == key {
			return a
		}
	}
	return nil
}

func (s *Server) showAccount(w http.ResponseWriter, status int, a *account) {
	w.Header().Set("Location", a.url)
	body := map[string]any{"status": a.status, "contact": a.contacts}
	if !s.options.NoOrdersList {
		body["orders"] = strings.Replace(a.url, "/account/", "/orders/", 1)
	}
	s.answer(w, status, body)
}

func (s *Server) updateAccount(w http.ResponseWriter, c call) error {
	if c.account.url != c.url {
		return missing
	}
	var asked struct{ Contact *[]string }
	if len(c.payload) > 0 {
		if err := json.Unmarshal(c.payload, &asked); err != nil {
			return err
		}
	}
	if asked.Contact != nil {
		c.account.contacts = *asked.Contact
	}
	s.showAccount(w, http.StatusOK, c.account)
	return nil
}

// listOrders gives two a page.
func (s *Server) listOrders(w http.ResponseWriter, c call) error {
	first := 0
	if rest, ok := strings.CutPrefix(c.url, strings.Replace(c.account.url, "/account/", "/orders/", 1)+"/"); ok {
		if _, err := fmt.Sscan(rest, &first); err != nil {
			return err
		}
	}
	last := min(first+2, len(c.account.orders))
	if last < len(c.account.orders) {
		w.Header().Add("Link", fmt.Sprintf("<%s/%d>;rel=\"next\"", strings.Replace(c.account.url, "/account/", "/orders/", 1), last))
	}
	s.answer(w, http.StatusOK, map[string]any{"orders": c.account.orders[first:last]})
	return nil
}

func (s *Server) newOrder(w http.ResponseWriter, c call) error {
	var asked struct {
		Identifiers       []acme.Identifier
		Profile, Replaces string
		NotAfter          *time.Time
	}
	if err := json.Unmarshal(c.payload, &asked); err != nil {
		return err
	}
	if _, known := s.options.Profiles[asked.Profile]; asked.Profile != "" && !known {
		return Problem{Type: "invalidProfile", Detail: "there is no such profile"}
	}
	if err := s.replaceable(asked.Replaces); err != nil {
		return err
	}
	o := &order{url: s.next("order"), state: acme.Pending, account: c.account, identifiers: asked.Identifiers,
		profile: asked.Profile, replaces: asked.Replaces, notAfter: asked.NotAfter, expires: time.Now().Add(life)}
	for _, id := range asked.Identifiers {
		o.auths = append(o.auths, s.authorize(c.account, id))
	}
	s.orders[o.url] = o
	c.account.orders = append(c.account.orders, o.url)
	s.showOrder(w, http.StatusCreated, o)
	return nil
}

// authorize finds or makes the authorization for a name.
func (s *Server) authorize(a *account, id acme.Identifier) *authorization {
	name, wildcard := strings.CutPrefix(id.Value, "*.")
	id.Value = name
	for _, known := range s.auths {
		if s.options.Reuse && known.account == a && known.identifier == id && known.wildcard == wildcard && known.state == acme.Valid {
			return known
		}
	}
	auth := &authorization{url: s.next("authz"), account: a, identifier: id, wildcard: wildcard, state: acme.Pending, expires: time.Now().Add(life)}
	for _, kind := range []string{"http-01", "dns-01"} {
		if wildcard && kind == "http-01" || id.Type == "ip" && kind == "dns-01" {
			continue
		}
		at := s.next("challenge")
		auth.challenges = append(auth.challenges, &challenge{url: at, kind: kind, token: fmt.Sprintf("token-%d", s.serial), state: acme.Pending})
	}
	s.auths[auth.url] = auth
	return auth
}

// stateOf brings an order in step with its authorizations.
func (s *Server) stateOf(o *order) acme.State {
	if o.state != acme.Pending {
		return o.state
	}
	ready := true
	for _, a := range o.auths {
		switch a.state {
		case acme.Valid:
		case acme.Pending:
			ready = false
		default:
			o.state = acme.Invalid
			o.problem = &Problem{Status: http.StatusForbidden, Type: "unauthorized", Detail: "an authorization is " + string(a.state)}
			return o.state
		}
	}
	if ready {
		o.state = acme.Ready
	}
	return o.state
}

func (s *Server) showOrder(w http.ResponseWriter, status int, o *order) {
	w.Header().Set("Location", o.url)
	body := map[string]any{"status": s.stateOf(o), "identifiers": o.identifiers, "expires": o.expires, "finalize": strings.Replace(o.url, "/order/", "/finalize/", 1)}
	var auths []string
	for _, a := range o.auths {
		auths = append(auths, a.url)
	}
	body["authorizations"] = auths
	if o.state == acme.Valid {
		body["certificate"] = o.certificate
	}
	if o.state == acme.Processing {
		w.Header().Set("Retry-After", "3")
	}
	if o.problem != nil {
		body["error"] = o.problem.document()
	}
	s.answer(w, status, body)
}

func (s *Server) getOrder(w http.ResponseWriter, c call) error {
	o := s.orders[c.url]
	if o == nil || o.account != c.account {
		return missing
	}
	if o.state == acme.Processing {
		if o.looks--; o.looks <= 0 {
			o.state = acme.Valid
		}
	}
	s.showOrder(w, http.StatusOK, o)
	return nil
}

func (s *Server) authorization(w http.ResponseWriter, c call) error {
	a := s.auths[c.url]
	if a == nil || a.account != c.account {
		return missing
	}
	if len(c.payload) > 0 {
		var asked struct{ Status acme.State }
		if err := json.Unmarshal(c.payload, &asked); err != nil || asked.Status != acme.Deactivated {
			return errors.New("only deactivated can be asked for")
		}
		a.state = acme.Deactivated
	}
	var list []map[string]any
	for _, ch := range a.challenges {
		list = append(list, ch.document())
	}
	s.answer(w, http.StatusOK, map[string]any{"status": a.state, "identifier": a.identifier, "wildcard": a.wildcard, "expires": a.expires, "challenges": list})
	return nil
}

func (ch *challenge) document() map[string]any {
	d := map[string]any{"type": ch.kind, "url": ch.url, "token": ch.token, "status": ch.state}
	if ch.problem != nil {
		d["error"] = ch.problem.document()
	}
	if !ch.validated.IsZero() {
		d["validated"] = ch.validated.UTC().Format(time.RFC3339)
	}
	return d
}

func (s *Server) challenge(w http.ResponseWriter, c call) error {
	for _, a := range s.auths {
		for _, ch := range a.challenges {
			if ch.url != c.url || a.account != c.account {
				continue
			}
			if len(c.payload) > 0 && ch.state == acme.Pending && a.state == acme.Pending {
				s.validate(a, ch)
			}
			w.Header().Add("Link", fmt.Sprintf("<%s>;rel=\"up\"", a.url))
			s.answer(w, http.StatusOK, ch.document())
			return nil
		}
	}
	return missing
}

// validate asks the test whether the proof is there.
func (s *Server) validate(a *authorization, ch *challenge) {
	var err error
	if s.options.Validate != nil {
		err = s.options.Validate(Proof{a.identifier, a.wildcard, ch.kind, ch.token, ch.token + "." + a.account.key.thumbprint()})
	}
	if err == nil {
		ch.state, a.state, ch.validated = acme.Valid, acme.Valid, time.Now()
		return
	}
	p := Problem{Status: http.StatusForbidden, Type: "unauthorized", Detail: err.Error()}
	errors.As(err, &p)
	ch.state, a.state, ch.problem = acme.Invalid, acme.Invalid, &p
}
