package filedir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func directory(t *testing.T) Dir {
	t.Helper()
	return Dir{Path: filepath.Join(t.TempDir(), "certs"), Mode: 0o640, UID: -1, GID: -1}
}

func pair(n int) map[string][]byte {
	return map[string][]byte{"tls.crt": fmt.Appendf(nil, "chain %d", n), "tls.key": fmt.Appendf(nil, "key %d", n)}
}

func publish(t *testing.T, d Dir, files map[string][]byte) {
	t.Helper()
	if err := d.Publish(files, time.Now()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, d.Current()); diff != "" {
		t.Fatalf("files (-want +got):\n%s", diff)
	}
}

func names(t *testing.T, path string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if isVersion(name) {
			name = "VERSION"
		}
		all = append(all, name)
	}
	return all
}

func TestFilesComeChangeAndGo(t *testing.T) {
	t.Parallel()
	d := directory(t)
	if d.Current() != nil {
		t.Error("there are files before any were written")
	}
	publish(t, d, map[string][]byte{"tls.crt": []byte("a"), "tls.key": []byte("b"), "ca.crt": []byte("c")})
	publish(t, d, pair(2))
	if diff := cmp.Diff([]string{"VERSION", "VERSION", "..data", "tls.crt", "tls.key"}, names(t, d.Path)); diff != "" {
		t.Errorf("a file that left its set, or more, is still there (-want +got):\n%s", diff)
	}
	if more, err := d.Prune(time.Hour, time.Now()); !more || err != nil {
		t.Errorf("prune too early: got %t, %v", more, err)
	}
	if more, err := d.Prune(time.Minute, time.Now().Add(time.Hour)); more || err != nil {
		t.Errorf("prune: got %t, %v", more, err)
	}
	if got := names(t, d.Path); !slices.Equal(got, []string{"VERSION", "..data", "tls.crt", "tls.key"}) {
		t.Errorf("after pruning there is %q", got)
	}
	publish(t, d, pair(3)) // also when the replaced one is gone
	if err := d.Remove(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, d.Path); len(got) > 0 {
		t.Errorf("what was removed has left %q", got)
	}
	if err := d.Remove(); err != nil {
		t.Errorf("removing nothing: %v", err)
	}
}

// What others put beside the files is none of our business.
func TestForeignFilesStay(t *testing.T) {
	t.Parallel()
	d := directory(t)
	publish(t, d, pair(1))
	others := []string{"notes.txt", "..2026_mine", "..backup"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(d.Path, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("notes.txt", filepath.Join(d.Path, "link")); err != nil {
		t.Fatal(err)
	}
	publish(t, d, pair(2))
	if err := d.Remove(); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, d.Path), []string{"..2026_mine", "..backup", "link", "notes.txt"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAForeignFileIsNeverReplaced(t *testing.T) {
	t.Parallel()
	d := directory(t)
	if err := os.MkdirAll(d.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(d.Path, "tls.key")
	if err := os.WriteFile(theirs, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := d.Publish(pair(1), now)
	if err == nil || !strings.Contains(err.Error(), theirs+": it is there already") {
		t.Errorf("got %v", err)
	}
	if got := names(t, d.Path); !slices.Equal(got, []string{"tls.key"}) {
		t.Errorf("the refusal has left %q", got)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	for mode, dir := range map[fs.FileMode]fs.FileMode{0o600: 0o700, 0o640: 0o750, 0o644: 0o755, 0o400: 0o700, 0o440: 0o750, 0o660: 0o770} {
		d := directory(t)
		d.Mode = mode
		publish(t, d, pair(1))
		for path, want := range map[string]fs.FileMode{"tls.key": mode, "tls.crt": mode, "..data": dir} {
			info, err := os.Stat(filepath.Join(d.Path, path))
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("mode %o: %s is %v, %v, want %o", mode, path, info, err, want)
			}
		}
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	d := directory(t)
	d.UID, d.GID = os.Getuid(), os.Getgid()
	publish(t, d, pair(1))
	if os.Getuid() == 0 {
		return // who may give files to anybody cannot be refused
	}
	d.UID = 1
	if err := d.Publish(pair(2), now); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "CHOWN") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(pair(1), d.Current()); diff != "" {
		t.Errorf("the old files did not stay (-want +got):\n%s", diff)
	}
}

// A process that was killed leaves a version nobody knows, or a link that was
// not renamed; the next one goes on.
func TestLeftoversOfACrash(t *testing.T) {
	t.Parallel()
	d := directory(t)
	publish(t, d, pair(1))
	if _, err := d.makeVersion(pair(2), now); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..2026_03_01_12_00_00.gone", filepath.Join(d.Path, newLink)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pair(1), d.Current()); diff != "" {
		t.Errorf("the crash shows (-want +got):\n%s", diff)
	}
	publish(t, d, pair(3))
	if _, err := d.Prune(time.Minute, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := names(t, d.Path); !slices.Equal(got, []string{"VERSION", "..data", "tls.crt", "tls.key"}) {
		t.Errorf("left is %q", got)
	}
}

// Files somebody took away count as not there, and come back.
func TestTornFiles(t *testing.T) {
	t.Parallel()
	for _, torn := range []string{"tls.key", "..data"} {
		d := directory(t)
		publish(t, d, pair(1))
		if err := os.Remove(filepath.Join(d.Path, torn)); err != nil {
			t.Fatal(err)
		}
		if d.Current() != nil {
			t.Errorf("%s was removed and is not missed", torn)
		}
		publish(t, d, pair(1))
	}
}

// Readers that resolve ..data once must never see files of two versions, nor
// miss one, while a thousand versions come and go; and those that open one file
// by its link must never find it missing, empty or cut.
func TestReadersSeeOneVersion(t *testing.T) {
	t.Parallel()
	const rotations = 1000
	d := directory(t)
	if memory, err := os.MkdirTemp("/dev/shm", "filedir"); err == nil { // a disk takes minutes to flush it all
		d.Path = memory
		t.Cleanup(func() { _ = os.RemoveAll(memory) })
	}
	publish(t, d, pair(0))
	var stop atomic.Bool
	var pairs, single atomic.Int64
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for !stop.Load() {
				readPair(t, d)
				pairs.Add(1)
				time.Sleep(20 * time.Microsecond) // leave the writer a processor
			}
		})
		readers.Go(func() {
			for !stop.Load() {
				key, err := os.ReadFile(filepath.Join(d.Path, "tls.key"))
				if err != nil || !bytes.HasPrefix(key, []byte("key ")) {
					t.Errorf("tls.key: %q, %v", key, err)
				}
				single.Add(1)
				time.Sleep(20 * time.Microsecond)
			}
		})
	}
	for n := 1; n <= rotations; n++ {
		if err := d.Publish(pair(n), time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Prune(2*time.Second, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	readers.Wait()
	t.Logf("%d rotations, %d pairs and %d single files read", rotations, pairs.Load(), single.Load())
}

func readPair(t *testing.T, d Dir) {
	version, err := os.Readlink(filepath.Join(d.Path, dataLink))
	if err != nil {
		t.Errorf("..data: %v", err)
		return
	}
	chain, err := os.ReadFile(filepath.Join(d.Path, version, "tls.crt"))
	key, err2 := os.ReadFile(filepath.Join(d.Path, version, "tls.key"))
	if err != nil || err2 != nil {
		t.Errorf("files of one version: %v, %v", err, err2)
		return
	}
	if strings.TrimPrefix(string(chain), "chain ") != strings.TrimPrefix(string(key), "key ") {
		t.Errorf("%q with %q", chain, key)
	}
}
