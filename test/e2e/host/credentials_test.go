package host

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/certwright/certwright/test/e2e/suite"
)

// TestClientCertificatesOfSeconds: the kubeconfig gets a new certificate again
// and again, as from an agent on the host, and the daemon outlives each of them;
// then one expires, and the next one is taken up.
func TestClientCertificatesOfSeconds(t *testing.T) {
	s := world.Space(t)
	path := t.TempDir() + "/kubeconfig"
	renew := func(life time.Duration) {
		kubeconfig(s, path, func(_ *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) {
			user.Token = ""
			user.ClientCertificateData, user.ClientKeyData = clientCertificate(s, life)
		})
	}
	const life = 20 * time.Second
	renew(life)
	d := start(t, path)
	suite.WaitReady(t, d)
	s.CA("ca")
	for n := range 3 {
		select { // what an agent's timer does
		case <-time.After(life / 2):
		case <-d.Exited():
			t.Fatal(d.Tail(20))
		}
		renew(life)
		s.Issue(fmt.Sprintf("web-%d", n), suite.IssuerRef("ca"))
	}
	if strings.Contains(d.Log(), "refuses our credentials") {
		t.Errorf("a certificate was used beyond its end. %s", d.Tail(20))
	}
	select { // nobody renews it now
	case <-time.After(life):
	case <-d.Exited():
		t.Fatal(d.Tail(20))
	}
	s.Create("late", suite.IssuerRef("ca")) // a watch that is open goes on, and wakes it
	awaitLog(t, d, "has expired at")
	renew(time.Hour)
	s.Ready("late")
}

// TestTokenFile: the file that a kubeconfig names has another token, and the old
// one is withdrawn.
func TestTokenFile(t *testing.T) {
	s := world.Space(t)
	dir := t.TempDir()
	file := dir + "/token"
	s.Must(os.WriteFile(file, []byte(token(s, s.Namespace+"-a")), 0o600))
	kubeconfig(s, dir+"/kubeconfig", func(_ *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) { user.Token, user.TokenFile = "", file })
	d := start(t, dir+"/kubeconfig")
	suite.WaitReady(t, d)
	s.CA("ca")
	s.Issue("one", suite.IssuerRef("ca"))
	s.Must(os.WriteFile(file, []byte(token(s, s.Namespace+"-b")), 0o600))
	awaitLog(t, d, "read anew")
	withdraw(s, s.Namespace+"-a")
	s.Issue("two", suite.IssuerRef("ca"))
	if strings.Contains(d.Log(), "eyJ") {
		t.Error("a token is in the log")
	}
}

// TestExpiredTokenAtTheStart: it says which file, what is wrong and what to do,
// goes on trying, and begins as soon as there is a good one.
func TestExpiredTokenAtTheStart(t *testing.T) {
	s := world.Space(t)
	path := t.TempDir() + "/kubeconfig"
	set := func(value string) {
		kubeconfig(s, path, func(_ *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) { user.Token = value })
	}
	gone := token(s, s.Namespace+"-gone")
	withdraw(s, s.Namespace+"-gone")
	set(gone)
	d := start(t, path)
	awaitLog(t, d, "refuses our credentials")
	s.Mentions(d.Log(), "withdrawn", "read again by itself")
	s.Must(d.Healthy(t.Context())) // a restart would not help
	if n := strings.Count(d.Log(), "refuses our credentials"); n != 1 {
		t.Errorf("it says so %d times", n)
	}
	s.Must(os.WriteFile(path, []byte("half a fi"), 0o600))
	awaitLog(t, d, "going on with what it said before")
	set(token(s, s.Namespace+"-good"))
	suite.WaitReady(t, d)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
}

// TestProgramForCredentials: an exec plugin of client-go.
func TestProgramForCredentials(t *testing.T) {
	s := world.Space(t)
	dir := t.TempDir()
	const script = `#!/bin/sh
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'"$(cat %s/token)"'"}}'
`
	s.Must(os.WriteFile(dir+"/login", fmt.Appendf(nil, script, dir), 0o700))
	s.Must(os.WriteFile(dir+"/token", []byte(token(s, s.Namespace+"-exec")), 0o600))
	kubeconfig(s, dir+"/kubeconfig", func(_ *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) {
		user.Token = ""
		user.Exec = &clientcmdapi.ExecConfig{APIVersion: "client.authentication.k8s.io/v1", Command: dir + "/login", InteractiveMode: clientcmdapi.NeverExecInteractiveMode}
	})
	d := start(t, dir+"/kubeconfig")
	suite.WaitReady(t, d)
	s.CA("ca")
	s.Issue("one", suite.IssuerRef("ca"))
	s.Must(os.WriteFile(dir+"/token", []byte(token(s, s.Namespace+"-next")), 0o600))
	withdraw(s, s.Namespace+"-exec") // the API server forgets it within seconds
	s.Issue("two", suite.IssuerRef("ca"))
}

// TestAnotherServer: the kubeconfig comes to name the server otherwise, which
// might be another cluster: the daemon begins anew, in the same process.
func TestAnotherServer(t *testing.T) {
	s := world.Space(t)
	path := t.TempDir() + "/kubeconfig"
	kubeconfig(s, path, func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo) {})
	d := start(t, path)
	suite.WaitReady(t, d)
	pid := d.PID()
	kubeconfig(s, path, func(cluster *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
		cluster.Server = strings.Replace(cluster.Server, "127.0.0.1", "localhost", 1)
	})
	awaitLog(t, d, "names another API server")
	awaitLog(t, d, "Starting again in the same process")
	suite.WaitReady(t, d)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	if d.PID() != pid {
		t.Error("it is another process")
	}
}
