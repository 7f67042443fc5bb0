package venafitest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// tpp answers as the self-hosted server.
func (s *Server) tpp(w http.ResponseWriter, r *http.Request, path string) {
	var body map[string]any
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&body) // what is not there is missed below
	}
	if path == "vedauth/authorize/oauth" {
		s.tppToken(w, body)
		return
	}
	s.mu.Lock()
	good := s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	s.mu.Unlock()
	if !good {
		reply(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token", "error_description": "The access token is invalid or has expired"})
		return
	}
	text := func(key string) string { value, _ := body[key].(string); return value }
	switch strings.ToLower(path) {
	case "vedauth/authorize/verify":
		reply(w, http.StatusOK, map[string]any{"application": "cert-manager.io", "scope": "certificate:manage"})
	case "vedsdk/certificates/checkpolicy":
		s.tppPolicy(w, text("PolicyDN"))
	case "vedsdk/certificates/reset":
		reply(w, http.StatusBadRequest, map[string]string{"Error": "Certificate does not exist or you do not have sufficient rights to the object."})
	case "vedsdk/certificates/request":
		id, err := s.take(text("PKCS10"), tppFields(body))
		if err != nil {
			reply(w, http.StatusBadRequest, map[string]string{"Error": err.Error()})
			return
		}
		reply(w, http.StatusOK, map[string]string{"CertificateDN": id})
	case "vedsdk/certificates/retrieve":
		s.tppRetrieve(w, text("CertificateDN"))
	default: // metadata: there is none, so that the library sets nothing of an older kind
		reply(w, http.StatusOK, map[string]any{"Result": 0, "Items": []any{}, "Data": []any{}})
	}
}

func (s *Server) tppToken(w http.ResponseWriter, body map[string]any) {
	if body["username"] != User || body["password"] != Password || body["client_id"] == "" {
		reply(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "Username/password combination not valid"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{"access_token": s.newToken(), "expires": time.Now().Add(time.Hour).Unix(), "token_type": "Bearer"})
}

func (s *Server) tppPolicy(w http.ResponseWriter, zone string) {
	if !strings.HasSuffix(zone, TPPZone) {
		reply(w, http.StatusBadRequest, map[string]string{"Error": `PolicyDN: ` + zone + ` does not exist`})
		return
	}
	free := map[string]any{"Locked": false, "Value": ""}
	reply(w, http.StatusOK, map[string]any{"Policy": map[string]any{
		"CsrGeneration": free, "KeyGeneration": free, "ManagementType": free, "CertificateAuthority": free,
		"KeyPair": map[string]any{
			"KeyAlgorithm": free, "KeySize": map[string]any{"Locked": false, "Value": 0}, "EllipticCurve": free,
		},
		"SubjAltNameDnsAllowed": true, "SubjAltNameEmailAllowed": true, "SubjAltNameIpAllowed": true, "SubjAltNameUpnAllowed": true, "SubjAltNameUriAllowed": true,
		"Subject": map[string]any{
			"City": free, "Country": free, "Organization": free, "State": free,
			"OrganizationalUnit": map[string]any{"Locked": false, "Values": []string{}},
		},
		"WhitelistedDomains": []string{"example.com"}, "WildcardsAllowed": true, "PrivateKeyReuseAllowed": true,
	}})
}

func (s *Server) tppRetrieve(w http.ResponseWriter, id string) {
	switch status, chain, err := s.look(id); {
	case err != nil:
		reply(w, http.StatusBadRequest, map[string]string{"Error": err.Error()})
	case status == pending:
		reply(w, http.StatusAccepted, map[string]any{"Stage": 300, "Status": "Certificate waiting for approval"})
	case status == rejected:
		reply(w, http.StatusInternalServerError, map[string]any{"Stage": 300, "Status": "The approver has turned the request down"})
	default:
		reply(w, http.StatusOK, map[string]string{
			"CertificateData": base64.StdEncoding.EncodeToString(chain), "Filename": "x.cer", "Format": "base64",
		})
	}
}

// tppFields are the custom fields of a request.
func tppFields(body map[string]any) map[string][]string {
	fields := map[string][]string{}
	entries, _ := body["CustomFields"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		name, _ := entry["Name"].(string)
		values, _ := entry["Values"].([]any)
		for _, v := range values {
			text, _ := v.(string)
			fields[name] = append(fields[name], text)
		}
	}
	return fields
}
