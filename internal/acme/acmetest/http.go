package acmetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// call is a request, once its signature was checked.
type call struct {
	url     string
	payload []byte // empty for a POST-as-GET
	account *account
	key     jwk
}

// actions are the client's words for what stands at a path, without and with a payload.
var actions = map[string][2]string{
	"directory": {"get_directory", "get_directory"}, "nonce": {"new_nonce", "new_nonce"},
	"new-account": {"new_account", "new_account"}, "account": {"update_account", "update_account"},
	"orders": {"list_orders", "list_orders"}, "new-order": {"new_order", "new_order"}, "order": {"get_order", "get_order"},
	"authz": {"get_authorization", "deactivate_authorization"}, "challenge": {"get_challenge", "accept_challenge"},
	"finalize": {"finalize_order", "finalize_order"}, "cert": {"get_certificate", "get_certificate"},
	"revoke": {"revoke_certificate", "revoke_certificate"}, "renewal-info": {"renewal_info", "renewal_info"},
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	action, known := actions[kind]
	if !known {
		http.NotFound(w, r)
		return
	}
	if r.UserAgent() == "" {
		s.refuse(w, Problem{Type: "malformed", Detail: "a User-Agent is needed"}) // RFC 8555, section 6.1
		return
	}
	var envelope jws
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&envelope); err != nil {
			s.refuse(w, Problem{Type: "malformed", Detail: err.Error()})
			return
		}
	}
	name := action[0]
	if envelope.Payload != "" {
		name = action[1]
	}
	w.Header().Set("Replay-Nonce", s.nonce())
	w.Header().Set("Link", fmt.Sprintf("<%s/directory>;rel=\"index\"", s.base))
	if p := s.counted(name); p != nil {
		s.refuse(w, *p)
		return
	}
	if r.Method == http.MethodPost {
		s.signed(w, kind, s.base+r.URL.Path, envelope)
		return
	}
	s.open(w, r, kind)
}

// counted counts a call, and takes the failure that waits for it.
func (s *Server) counted(action string) *Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[action]++
	for _, a := range []string{action, ""} {
		if waiting := s.failures[a]; len(waiting) > 0 {
			s.failures[a] = waiting[1:]
			return &waiting[0]
		}
	}
	return nil
}

// open serves what needs no signature.
func (s *Server) open(w http.ResponseWriter, r *http.Request, kind string) {
	switch kind {
	case "directory":
		s.answer(w, http.StatusOK, s.directory())
	case "nonce":
		w.WriteHeader(http.StatusOK)
	case "renewal-info":
		s.renewalInfo(w, strings.TrimPrefix(r.URL.Path, "/renewal-info/"))
	default:
		s.refuse(w, Problem{Status: http.StatusMethodNotAllowed, Type: "malformed", Detail: "POST is needed"})
	}
}

func (s *Server) directory() map[string]any {
	d := map[string]any{
		"newNonce": s.base + "/nonce", "newAccount": s.base + "/new-account", "newOrder": s.base + "/new-order", "revokeCert": s.base + "/revoke",
		"meta": map[string]any{"externalAccountRequired": len(s.options.Bindings) > 0, "profiles": s.options.Profiles},
	}
	if !s.options.NoRenewalInfo {
		d["renewalInfo"] = s.base + "/renewal-info"
	}
	return d
}

// signed serves what an account asks.
func (s *Server) signed(w http.ResponseWriter, kind, url string, envelope jws) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.verify(envelope, url)
	if err == nil && c.account == nil && kind != "new-account" {
		err = Problem{Type: "malformed", Detail: "a key id is needed"}
	}
	if err == nil {
		err = s.serve(w, kind, c)
	}
	var p Problem
	switch {
	case errors.As(err, &p):
		s.refuse(w, p)
	case err != nil:
		s.refuse(w, Problem{Type: "malformed", Detail: err.Error()})
	}
}

func (s *Server) serve(w http.ResponseWriter, kind string, c call) error {
	switch kind {
	case "new-account":
		return s.newAccount(w, c)
	case "account":
		return s.updateAccount(w, c)
	case "orders":
		return s.listOrders(w, c)
	case "new-order":
		return s.newOrder(w, c)
	case "order":
		return s.getOrder(w, c)
	case "authz":
		return s.authorization(w, c)
	case "challenge":
		return s.challenge(w, c)
	case "finalize":
		return s.finalize(w, c)
	case "cert":
		return s.certificate(w, c)
	case "revoke":
		return s.revoke(w, c)
	default:
		return missing
	}
}

var missing = Problem{Status: http.StatusNotFound, Type: "malformed", Detail: "there is no such resource"}

func (s *Server) answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.t.Error(err)
	}
}

// refuse answers with a problem.
func (s *Server) refuse(w http.ResponseWriter, p Problem) {
	if p.Drop {
		panic(http.ErrAbortHandler)
	}
	if p.Status == 0 {
		p.Status = http.StatusBadRequest
	}
	if p.RetryAfter != "" {
		w.Header().Set("Retry-After", p.RetryAfter)
	}
	if p.Body != "" {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(p.Status)
		if _, err := w.Write([]byte(p.Body)); err != nil {
			s.t.Error(err)
		}
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p.document()); err != nil {
		s.t.Error(err)
	}
}

func (p Problem) document() map[string]any {
	d := map[string]any{"type": problemType(p.Type), "detail": p.Detail, "status": p.Status}
	var parts []map[string]any
	for _, sub := range p.Subproblems {
		parts = append(parts, map[string]any{"type": problemType(sub.Type), "detail": sub.Detail,
			"identifier": map[string]string{"type": "dns", "value": sub.Name}})
	}
	if parts != nil {
		d["subproblems"] = parts
	}
	return d
}

func problemType(t string) string {
	if t == "" || strings.Contains(t, ":") {
		return t
	}
	return "urn:ietf:params:acme:error:" + t
}
