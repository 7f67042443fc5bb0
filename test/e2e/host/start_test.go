package host

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestNoWayToACluster: what cannot become right by waiting ends the process at
// once, with one message that names the file, the fault and the remedy.
func TestNoWayToACluster(t *testing.T) {
	s := world.Space(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		s.Must(os.WriteFile(dir+"/"+name, []byte(content), 0o600))
		return dir + "/" + name
	}
	for name, row := range map[string]struct {
		args  []string
		words []string
	}{
		"missing":   {[]string{"--kubeconfig=" + dir + "/none"}, []string{dir + "/none", "no such file", "--kubeconfig"}},
		"malformed": {[]string{"--kubeconfig=" + file("bad", "a: [b")}, []string{dir + "/bad", "line 1", "kubectl config view"}},
		"empty":     {[]string{"--kubeconfig=" + file("empty", "")}, []string{dir + "/empty", "names no cluster"}},
		"context":   {[]string{"--kubeconfig=" + world.Kubeconfig, "--context=locla"}, []string{"locla", `did you mean "local"`}},
	} {
		said := s.Certwright(append([]string{"run"}, row.args...)...)
		if said.Code != 1 {
			t.Errorf("%s: it ended with %d", name, said.Code)
		}
		s.Mentions(said.Err, row.words...)
		if n := strings.Count(said.Err, "\n"); n > 4 {
			t.Errorf("%s: %d lines:\n%s", name, n, said.Err)
		}
	}
}

// TestServerThatDoesNotServe: what may become right by waiting is told once, and
// tried on.
func TestServerThatDoesNotServe(t *testing.T) {
	s := world.Space(t)
	other, err := harness.NewRoot("other")
	s.Must(err)
	for name, row := range map[string]struct {
		edit  func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo)
		words []string
	}{
		"nobody there": {func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.Server = "https://127.0.0.1:1" }, []string{"connection refused", "nothing listens there"}},
		"other CA":     {func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.CertificateAuthorityData = other.PEM() }, []string{"unknown authority", "fetch the kubeconfig again"}},
		"bad token":    {func(_ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { u.Token = "wrong" }, []string{"refuses our credentials", "withdrawn"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/kubeconfig"
			kubeconfig(s, path, row.edit)
			d := start(t, path)
			awaitLog(t, d, "The API server")
			s.Mentions(d.Log(), row.words...)
			if n := strings.Count(d.Log(), "The API server"); n != 1 {
				t.Errorf("told %d times. %s", n, d.Tail(20))
			}
			s.Must(d.Healthy(t.Context())) // a restart would not help
			if d.Ready(t.Context()) == nil {
				t.Error("it calls itself ready")
			}
		})
	}
}

// TestPortThatIsTaken names the address and the flags that choose another.
func TestPortThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := world.Space(t)
	said := s.Certwright("run", "--kubeconfig="+world.Kubeconfig, "--healthz-listen-address=0", "--metrics-listen-address="+taken.Addr().String())
	if said.Code != 1 {
		t.Errorf("it ended with %d", said.Code)
	}
	s.Mentions(said.Err, taken.Addr().String(), "address already in use", "--metrics-listen-address")
}

// shifted is a way to the API server on which its clock seems to be off by that.
func shifted(t *testing.T, by time.Duration) *httptest.Server {
	t.Helper()
	target, err := url.Parse(world.Clients.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	trusting := rest.AnonymousClientConfig(world.Clients.Config)
	transport, err := rest.TransportFor(trusting)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
			return nil
		},
	}
	server := httptest.NewUnstartedServer(proxy)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server
}

// throughShift makes a kubeconfig for it.
func throughShift(t *testing.T, s *suite.Space, by time.Duration) string {
	t.Helper()
	server, path := shifted(t, by), t.TempDir()+"/kubeconfig"
	ca := (&harness.Authority{Certificate: server.Certificate()}).PEM()
	kubeconfig(s, path, func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
		c.Server, c.CertificateAuthorityData = server.URL, ca
	})
	return path
}

// TestClockWrongByAnHour: it says so, with both times, and works.
func TestClockWrongByAnHour(t *testing.T) {
	s := world.Space(t)
	d := start(t, throughShift(t, s, time.Hour))
	suite.WaitReady(t, d)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	s.Mentions(d.Log(), "This machine's clock is 1h0m0s behind the API server's", "timedatectl", "here=", "there=")
	if n := strings.Count(d.Log(), "This machine's clock"); n != 1 {
		t.Errorf("told %d times", n)
	}
}
