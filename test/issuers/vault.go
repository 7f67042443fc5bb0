package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/certwright/certwright/test/harness"
)

// vaultServer is a real Vault core and its administrator.
type vaultServer struct {
	process *harness.Process
	url     string
	roots   []byte
	http    *http.Client
	token   string
	unseal  string
}

func startVault(ctx context.Context, p *proof) (*vaultServer, error) {
	ports, err := harness.FreePorts(1)
	if err != nil {
		return nil, err
	}
	cert, key, err := p.serverFiles("vault")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(p.Dir, "vault")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(p.root.PEM())
	v := &vaultServer{url: "https://" + address, roots: p.root.PEM(), http: &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}, Timeout: 30 * time.Second,
	}}
	v.process, err = harness.StartProcess(harness.ProcessOptions{
		Name: "vault", Path: p.programs.vault, Dir: p.Dir,
		Args: []string{"-listen", address, "-data", data, "-cert", cert, "-key", key},
	})
	if err != nil {
		return nil, err
	}
	if err := v.init(ctx); err != nil {
		v.process.Stop()
		return nil, fmt.Errorf("set Vault up: %w", err)
	}
	p.private = append(p.private, v.token, v.unseal)
	return v, v.furnish(ctx)
}

// init makes a new Vault ready for use.
func (v *vaultServer) init(ctx context.Context) error {
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
	v.token, _ = answer["root_token"].(string)
	keys, _ := answer["keys_base64"].([]any)
	if len(keys) != 1 {
		return fmt.Errorf("sys/init gave %d keys", len(keys))
	}
	v.unseal, _ = keys[0].(string)
	return v.open(ctx)
}

// open unseals Vault and waits until it is at work.
func (v *vaultServer) open(ctx context.Context) error {
	if _, err := v.call(ctx, "PUT", "sys/unseal", map[string]any{"key": v.unseal}); err != nil {
		return err
	}
	return v.process.Until(ctx, func(ctx context.Context) error {
		_, err := v.call(ctx, "GET", "sys/health", nil)
		return err
	})
}

// seal has it forget its keys.
func (v *vaultServer) seal(ctx context.Context) error {
	_, err := v.call(ctx, "PUT", "sys/seal", nil)
	return err
}

// end stops the process in order.
func (v *vaultServer) end() error {
	pid := v.process.PID()
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return err
	}
	for range 200 {
		if syscall.Kill(pid, 0) != nil {
			return nil
		}
		pause(50 * time.Millisecond)
	}
	return fmt.Errorf("vault does not end: %s", v.process.Log())
}

// begin starts it again; it is sealed then.
func (v *vaultServer) begin(ctx context.Context) error {
	if err := v.process.Start(); err != nil {
		return err
	}
	return v.process.Until(ctx, func(ctx context.Context) error {
		_, err := v.call(ctx, "GET", "sys/seal-status", nil)
		return err
	})
}

func pause(d time.Duration) { <-time.After(d) }

// call makes one call as the administrator.
func (v *vaultServer) call(ctx context.Context, method, path string, body map[string]any) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, v.url+"/v1/"+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Vault-Token", v.token)
	answer, err := v.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: HTTP %d: %s", method, path, answer.StatusCode, said)
	}
	out := map[string]any{}
	if len(said) > 0 {
		err = json.Unmarshal(said, &out)
	}
	return out, err
}

// data is a call whose answer's data is wanted.
func (v *vaultServer) data(ctx context.Context, method, path string, body map[string]any) (map[string]any, error) {
	answer, err := v.call(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	data, _ := answer["data"].(map[string]any)
	return data, nil
}

const (
	signPath   = "pki/sign/web"
	noRootPath = "noroot/sign/web"
	vaultRoot  = "Vault Root"
)

// furnish makes a root, two intermediates below it (one that knows its root and
// one that does not), a role and a policy.
func (v *vaultServer) furnish(ctx context.Context) error {
	mount := map[string]any{"type": "pki", "config": map[string]any{"max_lease_ttl": "87600h"}}
	for _, name := range []string{"root", "pki", "noroot"} {
		if _, err := v.call(ctx, "POST", "sys/mounts/"+name, mount); err != nil {
			return err
		}
	}
	root, err := v.data(ctx, "POST", "root/root/generate/internal", map[string]any{"common_name": vaultRoot, "ttl": "87600h", "key_type": "ec", "key_bits": 256})
	if err != nil {
		return err
	}
	for _, name := range []string{"pki", "noroot"} {
		if err := v.intermediate(ctx, name, fmt.Sprint(root["certificate"])); err != nil {
			return err
		}
	}
	policy := ""
	for _, path := range []string{signPath, noRootPath, "pki/sign/missing", "nothing/sign/web"} {
		policy += fmt.Sprintf("path %q { capabilities = [\"create\", \"update\"] }\n", path)
	}
	if _, err := v.call(ctx, "PUT", "sys/policies/acl/web", map[string]any{"policy": policy}); err != nil {
		return err
	}
	for _, method := range []string{"approle", "cert", "kubernetes", "aws"} {
		if _, err := v.call(ctx, "POST", "sys/auth/"+method, map[string]any{"type": method}); err != nil {
			return err
		}
	}
	return nil
}

func (v *vaultServer) intermediate(ctx context.Context, mount, root string) error {
	csr, err := v.data(ctx, "POST", mount+"/intermediate/generate/internal", map[string]any{"common_name": "Vault " + mount, "key_type": "ec", "key_bits": 256})
	if err != nil {
		return err
	}
	signed, err := v.data(ctx, "POST", "root/root/sign-intermediate", map[string]any{"csr": csr["csr"], "common_name": "Vault " + mount, "ttl": "43800h"})
	if err != nil {
		return err
	}
	bundle := strings.TrimSpace(fmt.Sprint(signed["certificate"]))
	if mount == "pki" {
		bundle += "\n" + strings.TrimSpace(root)
	}
	if _, err := v.call(ctx, "POST", mount+"/intermediate/set-signed", map[string]any{"certificate": bundle}); err != nil {
		return err
	}
	_, err = v.call(ctx, "POST", mount+"/roles/web", map[string]any{
		"allowed_domains": "example.com", "allow_subdomains": true, "key_type": "any", "max_ttl": "8760h", "require_cn": false,
	})
	return err
}

// signed counts the certificates in the store.
func (v *vaultServer) signed(ctx context.Context) (int, error) {
	data, err := v.data(ctx, "LIST", "pki/certs", nil)
	if err != nil && strings.Contains(err.Error(), "HTTP 404") {
		return 0, nil // there is nothing to list yet
	}
	if err != nil {
		return 0, err
	}
	keys, _ := data["keys"].([]any)
	return len(keys), nil
}

// newToken makes a token with the policy.
func (v *vaultServer) newToken(ctx context.Context, body map[string]any) (string, error) {
	answer, err := v.call(ctx, "POST", "auth/token/create", body)
	if err != nil {
		return "", err
	}
	auth, _ := answer["auth"].(map[string]any)
	token, _ := auth["client_token"].(string)
	return token, nil
}
