package vault_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// The login by AWS is a request that AWS would answer, signed with the
// credentials of the service account's role.
func TestAWSLogin(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/web"
	refuse := false
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Form.Get("WebIdentityToken") != secretWord || r.Form.Get("RoleArn") != role || refuse {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not you, %s</Message></Error></ErrorResponse>`, secretWord)
			return
		}
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAX</AccessKeyId>`+
			`<SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
			secretWord, secretWord, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer sts.Close()
	t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL)
	t.Setenv("AWS_REGION", "")
	s, given := newServer(t), &accounts{}
	w := newWorld(t, given, byToken(s, func(v *cmapi.VaultIssuer) {
		v.Auth = cmapi.VaultAuth{AWS: &cmapi.VaultAWSAuth{Role: "web", Region: "eu-central-1", IAMRoleARN: role,
			ServiceAccountRef: &cmapi.ServiceAccountRef{Name: "issuer"}, VaultHeaderValue: "vault.example.com"}}
	}))
	if c := w.ready(t); c.Status != "True" {
		t.Fatalf("got %+v", c)
	}
	if got := strings.Join(given.asked, "; "); got != "team/issuer sts.amazonaws.com" {
		t.Errorf("tokens: %q", got)
	}
	text := func(key string) string {
		value, _ := s.login[key].(string)
		plain, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
		return string(plain)
	}
	if s.login["role"] != "web" || text("iam_request_url") != "https://sts.eu-central-1.amazonaws.com/" || text("iam_request_body") != "Action=GetCallerIdentity&Version=2011-06-15" {
		t.Errorf("login: %v", s.login)
	}
	headers := text("iam_request_headers")
	for _, want := range []string{"Credential=ASIAX/20260301/eu-central-1/sts/aws4_request", "x-vault-aws-iam-server-id", `"X-Vault-Aws-Iam-Server-Id":["vault.example.com"]`} {
		if !strings.Contains(headers, want) {
			t.Errorf("headers: got %s, want %s in them", headers, want)
		}
	}

	refuse = true
	s.mu.Lock()
	clear(s.valid)
	s.mu.Unlock()
	if c := w.ready(t); c.Status != "False" || !strings.Contains(c.Message,
		"spec.vault.auth.aws.serviceAccountRef: AWS does not let the service account take on "+role+" (AccessDenied): check iamRoleArn") {
		t.Errorf("refused: %+v", c)
	}
}
