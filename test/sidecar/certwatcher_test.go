package sidecar

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/secretfiles"
	"github.com/certwright/certwright/internal/filedir"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// soon is far below the ten seconds at which certwatcher polls, so that only
// being woken by the files explains a reload.
const soon = 3 * time.Second

// atFirst is for the first rotation: what changes between certwatcher's New and
// the begin of its watches, it learns of by polling alone.
const atFirst = 15 * time.Second

// writer is the daemon's own handler over a Secret that the test changes.
type writer struct {
	handler *secretfiles.Handler
	secret  atomic.Pointer[corev1.Secret]
	output  secretfiles.Output
}

func newWriter(t *testing.T) *writer {
	t.Helper()
	w := &writer{output: secretfiles.Output{Namespace: "shop", Name: "web-tls", Directory: filepath.Join(directory(t), "certs"),
		CertKey: "tls.crt", KeyKey: "tls.key", CAKey: "ca.crt"}}
	w.handler = &secretfiles.Handler{
		Secret:  func(string, string) *corev1.Secret { return w.secret.Load() },
		Outputs: []secretfiles.Output{w.output}, Dir: filedir.Dir{Mode: 0o600, UID: -1, GID: -1}, Clock: clock.RealClock{},
	}
	return w
}

// directory is in memory where there is such: a disk takes long to flush.
func directory(t *testing.T) string {
	if memory, err := os.MkdirTemp("/dev/shm", "sidecar"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(memory) })
		return memory
	}
	return t.TempDir()
}

// rotate stores a new pair in the Secret and has it written.
func (w *writer) rotate(t *testing.T, serial int64) (leaf []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"web"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	w.secret.Store(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-tls"}, Data: map[string][]byte{
		"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}})
	_, err = w.handler.Handle(t.Context(), w.output.Key())
	must(t, err)
	return der
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Each of many rotations reaches a server that reads by certwatcher at once,
// and no handshake fails meanwhile.
func TestCertwatcherReloadsAtOnce(t *testing.T) {
	w := newWriter(t)
	w.rotate(t, 1)
	watcher, err := certwatcher.New(filepath.Join(w.output.Directory, "tls.crt"), filepath.Join(w.output.Directory, "tls.key"))
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = watcher.Start(ctx) })
	defer running.Wait()
	defer stop()
	server := serve(t, watcher)
	var slowest time.Duration
	for serial := int64(2); serial <= 60; serial++ {
		leaf, patience := w.rotate(t, serial), soon
		if serial == 2 {
			patience = atFirst
		}
		begun := time.Now()
		for !bytes.Equal(served(t, server), leaf) {
			if time.Since(begun) > patience {
				t.Fatalf("rotation %d is not served after %s", serial, patience)
			}
			time.Sleep(time.Millisecond)
		}
		if serial > 2 {
			slowest = max(slowest, time.Since(begun))
		}
	}
	t.Logf("slowest reload %s", slowest)
}

func serve(t *testing.T, watcher *certwatcher.CertWatcher) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: watcher.GetCertificate})
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = c.(*tls.Conn).Handshake()
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// served is the certificate a handshake shows.
func served(t *testing.T, address string) []byte {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	must(t, err)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Raw
}

// A thousand rotations under readers of three sorts. Who resolves ..data once
// always has a pair. Who opens the two links one after the other may meet the
// rename, as with a Secret volume, but is told so by crypto/tls, and has a pair
// at the next try, or, as versions come every few milliseconds here, one soon after.
func TestReadersDuringAThousandRotations(t *testing.T) {
	w := newWriter(t)
	w.rotate(t, 1)
	dir := w.output.Directory
	var stop atomic.Bool
	var resolved, naive, torn atomic.Int64
	var readers sync.WaitGroup
	readers.Go(func() {
		for !stop.Load() {
			version, err := os.Readlink(filepath.Join(dir, "..data"))
			if err == nil {
				_, err = load(filepath.Join(dir, version))
			}
			if err != nil {
				t.Errorf("a reader of one version: %v", err)
			}
			resolved.Add(1)
		}
	})
	readers.Go(func() {
		for !stop.Load() {
			if _, err := load(dir); err != nil {
				torn.Add(1)
				for try := 2; err != nil; try++ {
					if _, err = load(dir); err != nil && try == tries {
						t.Errorf("try %d: %v", try, err)
						break
					}
				}
			}
			naive.Add(1)
		}
	})
	for serial := int64(2); serial <= 1001; serial++ {
		w.rotate(t, serial)
	}
	stop.Store(true)
	readers.Wait()
	t.Logf("1000 rotations: %d pairs of one version, none torn; %d by two links, of which %d met a rename and had it right soon after",
		resolved.Load(), naive.Load(), torn.Load())
}

// tries is how often who opens two links is let meet a rename in a row.
const tries = 5

func load(dir string) (tls.Certificate, error) {
	return tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
}
