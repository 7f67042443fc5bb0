package connection

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

func TestRemedy(t *testing.T) {
	wrap := func(err error) error { return &url.Error{Op: "Get", URL: "https://x", Err: err} }
	for want, err := range map[string]error{
		"another cluster":         wrap(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}),
		"does not hold now":       wrap(x509.CertificateInvalidError{Reason: x509.Expired}),
		"tls-server-name":         wrap(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}),
		"/etc/resolv.conf":        wrap(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "x", IsNotFound: true}}),
		"does not speak TLS":      wrap(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}),
		"nothing listens there":   wrap(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}),
		"firewalls":               wrap(errors.New("i/o timeout")),
		"--kubeconfig or KUBECON": clientcmd.ErrEmptyConfig,
	} {
		if got := Remedy(err); !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	if got := Remedy(errors.New("any other")); got != "" {
		t.Error(got)
	}
	if got := Reason(wrap(errors.New("heart"))); got != "heart" {
		t.Error(got)
	}
}

func token(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2VjcmV0"
}

func TestDiagnose(t *testing.T) {
	now := time.Unix(2_000_000_000, 0)
	for name, row := range map[string]struct {
		config rest.Config
		want   string
	}{
		"expired token":   {rest.Config{BearerToken: token(`{"exp":1999999000}`)}, "has expired at 2033-05-18T03:16:40Z"},
		"early token":     {rest.Config{BearerToken: token(`{"nbf":2000009000,"exp":2100000000}`)}, "valid from"},
		"token of a file": {rest.Config{BearerToken: token(`{"exp":1999999000}`), BearerTokenFile: "/run/token"}, "token of /run/token has expired"},
		"unknown token":   {rest.Config{BearerToken: "opaque"}, "withdrawn"},
		"broken token":    {rest.Config{BearerToken: "a.b.c"}, "withdrawn"},
		"nothing":         {rest.Config{}, "no credentials"},
		"a program":       {rest.Config{ExecProvider: &clientcmdapi.ExecConfig{Command: "login"}}, "run login by hand"},
		"bad PEM":         {rest.Config{TLSClientConfig: rest.TLSClientConfig{CertData: []byte("x")}}, "client certificate"},
	} {
		got := Diagnose(&row.config, now)
		if !strings.Contains(got, row.want) {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
		if strings.Contains(got, "c2VjcmV0") || strings.Contains(got, "opaque") {
			t.Errorf("%s: it gives the token away: %q", name, got)
		}
	}
}

func TestSkew(t *testing.T) {
	base := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		began, ended time.Duration // of our clock, from what the other side says
		want         time.Duration
	}{
		{0, 0, 0},
		{-2 * time.Second, 3 * time.Second, 0},
		{500 * time.Millisecond, time.Second, 0}, // whole seconds only
		{time.Hour, time.Hour + time.Second, time.Hour - time.Second},
		{-time.Hour, -time.Hour + time.Second, -time.Hour + time.Second},
	} {
		resp := &http.Response{Header: http.Header{"Date": {base.Format(http.TimeFormat)}}}
		if got, ok := Skew(resp, base.Add(row.began), base.Add(row.ended)); !ok || got != row.want {
			t.Errorf("%+v: %s", row, got)
		}
	}
	if _, ok := Skew(&http.Response{Header: http.Header{}}, base, base); ok {
		t.Error("an answer without a date tells the time")
	}
}

func TestUnusable(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const contexts = "apiVersion: v1\nkind: Config\ncontexts:\n- name: production\n  context: {cluster: c}\n"
	for name, row := range map[string]struct{ path, context, want string }{
		"missing":       {filepath.Join(dir, "none"), "", "a file that is there"},
		"malformed":     {write("bad", "a: [b"), "", "Mend the file"},
		"empty":         {write("empty", ""), "", "names no cluster"},
		"wrong context": {write("contexts", contexts), "prodction", `production; did you mean "production"?`},
		"no context":    {write("none at all", "apiVersion: v1\nkind: Config\n"), "x", "no contexts at all"},
	} {
		rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: row.path}
		_, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: row.context}).ClientConfig()
		if err == nil {
			t.Fatal(name, "can be used")
		}
		if got := Unusable([]string{row.path}, row.context, err).Error(); !strings.Contains(got, row.want) {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
	if got := unusableRemedy([]string{"f"}, "", fmt.Errorf("open: %w", os.ErrPermission)); !strings.Contains(got, "LoadCredential") {
		t.Error(got)
	}
}
