package responder

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serve serves on loopback until the test ends, which must end well.
func serve(t testing.TB) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, Handler(one)) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Serve does not end")
		}
	})
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// say sends bytes and returns what comes back until the server closes.
func say(t *testing.T, address, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(c, strings.NewReader(text)) }() // the server may not read all of it
	got, err := io.ReadAll(c)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("%v after %q", err, got)
	}
	return string(got)
}

func TestOverTheWire(t *testing.T) {
	t.Parallel()
	address, _ := serve(t)
	get := "GET " + Path(token) + " HTTP/1.1\r\nHost: www.example.com\r\n"
	for name, c := range map[string]struct{ text, want string }{
		"answered":      {get + "Connection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
		"as to a proxy": {"GET http://www.example.com" + Path(token) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
		"HTTP/1.0":      {"GET " + Path(token) + " HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n"},
		"huge header":   {get + "Cookie: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", "HTTP/1.1 431 "},
		"huge path":     {"GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 431 "},
		"options":       {"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "},
		"connect":       {"CONNECT www.example.com:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "},
		"a body":        {"POST " + Path(token) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 1000000), "HTTP/1.1 404 "},
		"no HTTP":       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "HTTP/1.1 400 "},
		"nothing":       {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := say(t, address, c.text)
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" && !strings.HasPrefix(got, "HTTP/1.1 408 ") {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if strings.Contains(got, key) != strings.Contains(c.want, "200") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A connection stays open for the next request, as proxies want it.
func TestConnectionsAreKept(t *testing.T) {
	address, _ := serve(t)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for _, want := range []int{http.StatusOK, http.StatusNotFound, http.StatusOK} {
		path := Path(token)
		if want == http.StatusNotFound {
			path = "/"
		}
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: www.example.com\r\n\r\n", path); err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
		if err != nil || r.StatusCode != want || r.Close {
			t.Errorf("%d, close %v, %v; want %d", r.StatusCode, r.Close, err, want)
		}
	}
}

// Those who keep all places do not keep others out for long: who says nothing
// is shown out, and where it is crowded nobody stays after an answer.
func TestACrowdIsShownOut(t *testing.T) {
	t.Parallel()
	address, _ := serve(t)
	var crowd []net.Conn
	defer func() {
		for _, c := range crowd {
			_ = c.Close()
		}
	}()
	for range mostConnections + 50 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, c)
	}
	began := time.Now()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: false}}
	r, err := client.Get("http://" + address + Path(token))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Error(r.StatusCode)
	}
	t.Logf("answered after %s", time.Since(began).Round(time.Millisecond))
}

// What is being answered at the end is answered; who is idle is not waited for.
func TestTheEnd(t *testing.T) {
	t.Parallel()
	address, stop := serve(t)
	idle, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if got := say(t, address, "GET "+Path(token)+" HTTP/1.0\r\n\r\n"); !strings.HasSuffix(got, key) {
		t.Errorf("got %q", got)
	}
	stop()
	if c, err := net.Dial("tcp", address); err == nil {
		_ = c.Close()
		t.Error("it still listens")
	}
}

func TestAListenerThatFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- Serve(context.Background(), l, Handler(one)) }()
	_ = l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// Under load nothing grows: 50,000 requests, right and wrong ones, and what is
// in use after them is what was in use after the first thousand.
func TestMemoryStaysFlat(t *testing.T) {
	address, _ := serve(t)
	load(t, address, 1000)
	before := inUse()
	began := time.Now()
	const requests = 50_000
	load(t, address, requests)
	took := time.Since(began)
	after := inUse()
	t.Logf("%.0f requests/s; heap %d KiB before, %d KiB after", requests/took.Seconds(), before>>10, after>>10)
	if after > before+(2<<20) {
		t.Errorf("heap: %d KiB before, %d KiB after", before>>10, after>>10)
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// load makes n requests over 32 connections, every tenth of which is wrong.
func load(t testing.TB, address string, n int64) {
	t.Helper()
	var left atomic.Int64
	left.Store(n)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if err := requests(c, &left); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func requests(c net.Conn, left *atomic.Int64) error {
	in := bufio.NewReader(c)
	right := []byte("GET " + Path(token) + " HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
	for i := left.Add(-1); i >= 0; i = left.Add(-1) {
		want, text := http.StatusOK, right
		if i%10 == 0 {
			want, text = http.StatusNotFound, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: www.example.com\r\n\r\n", Path(fmt.Sprint(i)))
		}
		if _, err := c.Write(text); err != nil {
			return err
		}
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
		if err != nil {
			return err
		}
		if r.StatusCode != want {
			return fmt.Errorf("%d, want %d", r.StatusCode, want)
		}
	}
	return nil
}

func BenchmarkServe(b *testing.B) {
	address, _ := serve(b)
	b.ReportAllocs()
	b.ResetTimer()
	load(b, address, int64(b.N))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
