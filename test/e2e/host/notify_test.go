package host

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// systemd is what systemd hears on its socket (sd_notify(3)).
type systemd struct {
	socket string
	mu     sync.Mutex
	heard  []string
}

func listen(t *testing.T) *systemd {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &systemd{socket: filepath.Join(dir, "s")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := os.Chmod(s.socket, 0o777); err != nil {
		t.Fatal(err)
	}
	go func() {
		for buffer := make([]byte, 4096); ; {
			n, _, err := conn.ReadFromUnix(buffer)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.heard = append(s.heard, string(buffer[:n]))
			s.mu.Unlock()
		}
	}()
	return s
}

// times counts the messages with a word.
func (s *systemd) times(word string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, message := range s.heard {
		if strings.Contains(message, word) {
			n++
		}
	}
	return n
}

// TestReloadWhileIssuing: systemctl reload in the middle of work. systemd is
// told of each step, the watchdog is fed, and every Certificate is issued by the
// same process.
func TestReloadWhileIssuing(t *testing.T) {
	s := world.Space(t)
	heard := listen(t)
	config := t.TempDir() + "/config.yaml"
	write := func(workers int) {
		text := fmt.Sprintf("apiVersion: certwright.dev/v1alpha1\nkind: Configuration\nconcurrentWorkers: %d\n", workers)
		s.Must(os.WriteFile(config, []byte(text), 0o600))
	}
	write(2)
	d := world.PrepareDaemonWith(t, harness.DaemonOptions{
		Args: []string{"--config", config}, Env: []string{"NOTIFY_SOCKET=" + heard.socket, "WATCHDOG_USEC=1000000"},
	})
	s.Must(d.Start())
	await(t, d, "READY=1", func() bool { return heard.times("READY=1") == 1 })
	pid := d.PID()
	s.CA("ca")
	const n = 40
	for i := range n {
		s.Create(fmt.Sprintf("web-%02d", i), suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
			crt.Spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.RSAKeyAlgorithm, Size: 2048} // slow, so that work is in flight
		})
	}
	s.Ready("web-00")
	write(5)
	s.Must(syscall.Kill(pid, syscall.SIGHUP))
	await(t, d, "RELOADING=1", func() bool { return heard.times("RELOADING=1\nMONOTONIC_USEC=") == 1 })
	await(t, d, "READY=1 again", func() bool { return heard.times("READY=1") == 2 })
	ctx, cancel := s.Within()
	defer cancel()
	_, err := s.Certificates().UntilAll(ctx, s.Namespace, harness.AllReady(n))
	s.Must(err)
	if got := len(s.AllRequests()); got != n {
		t.Errorf("%d requests for %d Certificates: work was done twice", got, n)
	}
	s.NoLeftovers()
	await(t, d, "WATCHDOG=1", func() bool { return heard.times("WATCHDOG=1") > 1 })

	// A faulty configuration is told and not used.
	s.Must(os.WriteFile(config, []byte("apiVersion: certwright.dev/v1alpha1\nkind: Configuration\nconcurrentWorker: 5\n"), 0o600))
	s.Must(syscall.Kill(pid, syscall.SIGHUP))
	awaitLog(t, d, "going on with the old one")
	s.Mentions(d.Log(), `did you mean "concurrentWorkers"`)
	if d.PID() != pid || heard.times("STOPPING=1") != 0 {
		t.Error("it has stopped")
	}
	s.Must(d.Stop(ctx))
	if heard.times("STOPPING=1") != 1 {
		t.Errorf("systemd heard %q", heard.heard)
	}
}
