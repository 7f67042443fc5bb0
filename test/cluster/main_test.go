package cluster_test

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
	"testing"
	"time"

	"github.com/certwright/certwright/test/cluster"
)

// ownerVariable makes the test program one that starts a cluster in the folder
// it names, says so, and then waits for its own death.
const ownerVariable = "CERTWRIGHT_TEST_CLUSTER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerVariable); dir != "" {
		own(dir)
	}
	// Outside of any test, because it may take longer than a test's timeout
	// would leave for the rest.
	if _, err := cluster.Binaries(context.Background(), os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func own(dir string) {
	if _, err := cluster.Start(context.Background(), cluster.Options{Dir: dir}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	time.Sleep(time.Hour)
}

// api calls a cluster's API server as the owner of a token.
type api struct {
	url, token string
	client     *http.Client
}

func adminOf(t *testing.T, c *cluster.Cluster) api {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(c.CA()) {
		t.Fatal("the cluster's CA is no PEM certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return api{url: c.URL(), token: c.Token(), client: &http.Client{Transport: transport, Timeout: 10 * time.Second}}
}

// call returns the status code and the answer; the code is 0 when there was none.
func (a api) call(method, path string, body any) (int, string) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, err.Error()
	}
	request, err := http.NewRequest(method, a.url+path, bytes.NewReader(encoded))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := a.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(answer)
}

// must is a call that has to be answered with the code.
func (a api) must(t *testing.T, code int, method, path string, body any) string {
	t.Helper()
	got, answer := a.call(method, path, body)
	if got != code {
		t.Fatalf("%s %s: got %d, want %d: %s", method, path, got, code, answer)
	}
	return answer
}

type object = map[string]any

func namespace(name string) object {
	return object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": name}}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not true after 15 s: %s", what)
		}
	}
}

// processesOf lists the processes whose command line names the folder. Those
// that are dead and only not yet waited for have no command line.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && bytes.Contains(line, []byte(dir)) {
			found = append(found, file+": "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
