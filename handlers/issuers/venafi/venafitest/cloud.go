package venafitest

import (
	"encoding/json"
	"net/http"
	"strings"
)

// cloud answers as the SaaS server, and as NGTS, which has the same endpoints.
func (s *Server) cloud(w http.ResponseWriter, r *http.Request, path string) {
	s.mu.Lock()
	good := r.Header.Get("tppl-api-key") == APIKey || s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	s.mu.Unlock()
	if !good {
		cloudError(w, http.StatusUnauthorized, "the API key is not valid")
		return
	}
	if path == "v1/useraccounts" {
		s.mu.Lock()
		s.logins++
		s.mu.Unlock()
		reply(w, http.StatusOK, map[string]any{"user": map[string]string{"id": "user-1"}, "company": map[string]string{"id": "company-1"}})
		return
	}
	if path == "v1/certificateissuingtemplates" {
		reply(w, http.StatusOK, map[string]any{"certificateIssuingTemplates": []any{template()}})
		return
	}
	_, rest, _ := strings.Cut(path, "outagedetection/v1/")
	parts := strings.Split(rest, "/")
	switch {
	case parts[0] == "applications" && len(parts) == 3: // applications/name/NAME
		s.cloudApplication(w, parts[2])
	case parts[0] == "applications" && len(parts) == 4: // applications/NAME/certificateissuingtemplates/ALIAS
		cloudTemplate(w, parts[1]+`\`+parts[3])
	case rest == "certificaterequests" && r.Method == http.MethodPost:
		s.cloudRequest(w, r)
	case parts[0] == "certificaterequests" && len(parts) == 2:
		s.cloudStatus(w, parts[1])
	case parts[0] == "certificates" && len(parts) == 3 && parts[2] == "contents":
		s.cloudContents(w, parts[1])
	default:
		cloudError(w, http.StatusNotFound, "there is no "+path)
	}
}

func cloudError(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]any{"errors": []any{map[string]any{"code": 10000, "message": message}}})
}

func (s *Server) cloudApplication(w http.ResponseWriter, name string) {
	app, alias, _ := strings.Cut(CloudZone, `\`)
	if name != app {
		cloudError(w, http.StatusNotFound, "Unable to find application with name "+name)
		return
	}
	reply(w, http.StatusOK, map[string]any{"id": "app-1", "name": app, "certificateIssuingTemplateAliasIdMap": map[string]string{alias: "template-1"}})
}

func cloudTemplate(w http.ResponseWriter, zone string) {
	if zone != CloudZone {
		cloudError(w, http.StatusNotFound, "Unable to find certificateIssuingTemplate for "+zone)
		return
	}
	reply(w, http.StatusOK, template())
}

// template is the policy of the zone.
func template() map[string]any {
	all := []string{".*"}
	return map[string]any{
		"id": "template-1", "name": "web", "status": "AVAILABLE", "csrUploadAllowed": true,
		"subjectCNRegexes": []string{`.*\.example\.com`}, "sanRegexes": []string{`.*\.example\.com`},
		"subjectORegexes": all, "subjectOURegexes": all, "subjectSTRegexes": all, "subjectLRegexes": all, "subjectCValues": all,
		"sanRfc822NameRegexes": all, "sanIpAddressRegexes": all, "sanUniformResourceIdentifierRegexes": all,
		"keyTypes": []any{
			map[string]any{"keyType": "RSA", "keyLengths": []int{2048, 3072, 4096}},
			map[string]any{"keyType": "EC", "keyCurves": []string{"P256", "P384", "P521"}},
		},
	}
}

func (s *Server) cloudRequest(w http.ResponseWriter, r *http.Request) {
	var body struct {
		CSR string `json:"certificateSigningRequest"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body) // an empty one is refused below
	id, err := s.take(body.CSR, nil)
	if err != nil {
		cloudError(w, http.StatusBadRequest, err.Error())
		return
	}
	reply(w, http.StatusCreated, map[string]any{"certificateRequests": []any{map[string]any{"id": id, "status": "NEW"}}})
}

func (s *Server) cloudStatus(w http.ResponseWriter, id string) {
	status, _, err := s.look(id)
	if err != nil {
		cloudError(w, http.StatusNotFound, err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]any{"id": id, "status": status, "certificateIds": []string{id}})
}

func (s *Server) cloudContents(w http.ResponseWriter, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[id]
	if o == nil || o.chain == nil {
		cloudError(w, http.StatusNotFound, "there is no such certificate")
		return
	}
	_, _ = w.Write(o.chain) // the client may be gone
}

// ngtsToken answers as the OAuth server of NGTS.
func (s *Server) ngtsToken(w http.ResponseWriter, r *http.Request) {
	_, password, _ := r.BasicAuth()
	if password != ClientSecret || !strings.HasPrefix(r.FormValue("scope"), "tsg_id:") {
		reply(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client", "error_description": "Client authentication failed"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{"access_token": s.newToken(), "expires_in": 900, "token_type": "Bearer"})
}
