package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/certwright/certwright/test/harness"
)

// vaultServer is a real Vault with what its page says that the reader has there.
type vaultServer struct {
	process *harness.Process
	url     string
	roots   []byte
	http    *http.Client
	root    string // its first token
	vars    []string
}

func startVault(ctx context.Context, stage *harness.Stage, path string) (*vaultServer, error) {
	authority, err := harness.NewRoot("the server of this test")
	if err != nil {
		return nil, err
	}
	server, err := authority.Server()
	if err != nil {
		return nil, err
	}
	key, err := server.KeyPEM()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(stage.Dir, "vault")
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		return nil, err
	}
	for name, text := range map[string][]byte{"tls.crt": server.PEM(), "tls.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	ports, err := harness.FreePorts(1)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.PEM())
	v := &vaultServer{url: "https://" + address, roots: authority.PEM(), http: &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}, Timeout: 30 * time.Second,
	}}
	v.process, err = harness.StartProcess(harness.ProcessOptions{
		Name: "vault", Path: path, Dir: dir,
		Args: []string{"-listen", address, "-data", filepath.Join(dir, "data"), "-cert", filepath.Join(dir, "tls.crt"), "-key", filepath.Join(dir, "tls.key")},
	})
	if err != nil {
		return nil, err
	}
	if err := v.furnish(ctx, stage); err != nil {
		v.process.Stop()
		return nil, fmt.Errorf("set Vault up: %w", err)
	}
	return v, nil
}

// environment are variables that the page's commands use.
func (v *vaultServer) environment() []string { return v.vars }

// addresses are Vault's of the page, with the root that its issuers must know.
func (v *vaultServer) addresses() []string {
	return []string{"server: https://vault.example.com:8200",
		"server: " + v.url + "\n    caBundle: " + base64.StdEncoding.EncodeToString(v.roots)}
}

// call makes one call as the administrator and returns its answer's data.
func (v *vaultServer) call(ctx context.Context, method, path string, body map[string]any) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, v.url+"/v1/"+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Vault-Token", v.root)
	answer, err := v.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: HTTP %d: %s (%w)", method, path, answer.StatusCode, said, err)
	}
	out := map[string]any{}
	if len(said) > 0 {
		err = json.Unmarshal(said, &out)
	}
	for _, inner := range []string{"data", "auth"} {
		if data, is := out[inner].(map[string]any); is {
			return data, err
		}
	}
	return out, err
}

// furnish initializes Vault and makes what the page says: the engine pki with a
// root, the role web for example.com, the policy web, and the ways to log in.
func (v *vaultServer) furnish(ctx context.Context, stage *harness.Stage) error {
	if err := v.process.Until(ctx, func(ctx context.Context) error {
		_, err := v.call(ctx, "GET", "sys/seal-status", nil)
		return err
	}); err != nil {
		return err
	}
	answer, err := v.call(ctx, "PUT", "sys/init", map[string]any{"secret_shares": 1, "secret_threshold": 1})
	if err != nil {
		return err
	}
	v.root, _ = answer["root_token"].(string)
	keys, _ := answer["keys_base64"].([]any)
	if len(keys) != 1 {
		return fmt.Errorf("sys/init gave %d keys", len(keys))
	}
	if _, err := v.call(ctx, "PUT", "sys/unseal", map[string]any{"key": keys[0]}); err != nil {
		return err
	}
	if err := v.process.Until(ctx, func(ctx context.Context) error {
		_, err := v.call(ctx, "GET", "sys/health", nil)
		return err
	}); err != nil {
		return err
	}
	for _, c := range v.furniture(stage) {
		if _, err := v.call(ctx, "POST", c.path, c.body); err != nil {
			return err
		}
	}
	return v.logins(ctx)
}

type vaultCall struct {
	path string
	body map[string]any
}

func (v *vaultServer) furniture(stage *harness.Stage) []vaultCall {
	return []vaultCall{
		{"sys/mounts/pki", map[string]any{"type": "pki", "config": map[string]any{"max_lease_ttl": "87600h"}}},
		{"pki/root/generate/internal", map[string]any{"common_name": "Example Root", "ttl": "87600h", "key_type": "ec", "key_bits": 256}},
		{"pki/roles/web", map[string]any{"allowed_domains": "example.com", "allow_subdomains": true, "key_type": "any", "max_ttl": "2160h", "require_cn": false}},
		{"sys/policies/acl/web", map[string]any{"policy": `path "pki/sign/web" { capabilities = ["create", "update"] }`}},
		{"sys/auth/approle", map[string]any{"type": "approle"}},
		{"auth/approle/role/certwright", map[string]any{"token_policies": "web"}},
		{"sys/auth/cert", map[string]any{"type": "cert"}},
		{"sys/auth/kubernetes", map[string]any{"type": "kubernetes"}},
		{"auth/kubernetes/config", map[string]any{
			"kubernetes_host": stage.Cluster.URL(), "kubernetes_ca_cert": string(stage.Cluster.CA()),
			"token_reviewer_jwt": stage.Cluster.Token(), "disable_local_ca_jwt": true,
		}},
		{"auth/kubernetes/role/web", map[string]any{
			"bound_service_account_names": "issuer", "bound_service_account_namespaces": "shop",
			"token_policies": "web", "audience": "vault://shop/vault-kubernetes",
		}},
	}
}

// logins are the credentials that a reader has from Vault's administrator.
func (v *vaultServer) logins(ctx context.Context) error {
	token, err := v.call(ctx, "POST", "auth/token/create", map[string]any{"policies": []string{"web"}, "period": "24h"})
	if err != nil {
		return err
	}
	role, err := v.call(ctx, "GET", "auth/approle/role/certwright/role-id", nil)
	if err != nil {
		return err
	}
	secret, err := v.call(ctx, "POST", "auth/approle/role/certwright/secret-id", nil)
	if err != nil {
		return err
	}
	v.vars = []string{
		fmt.Sprint("VAULT_TOKEN=", token["client_token"]),
		fmt.Sprint("ROLE_ID=", role["role_id"]),
		fmt.Sprint("SECRET_ID=", secret["secret_id"]),
	}
	return nil
}
