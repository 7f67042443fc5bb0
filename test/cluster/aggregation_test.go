package cluster_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/cluster/clustertest"
)

// TestAggregatedAPI registers an API server of our own. It is reached by a
// Service of type ExternalName, as nothing routes the addresses of Services.
func TestAggregatedAPI(t *testing.T) {
	c := clustertest.ForTest(t, cluster.Options{})
	admin := adminOf(t, c)
	address, err := url.Parse(aggregated(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(address.Port())
	if err != nil {
		t.Fatal(err)
	}
	admin.must(t, 201, "POST", "/api/v1/namespaces/default/services", object{
		"apiVersion": "v1", "kind": "Service", "metadata": object{"name": "solver"},
		"spec": object{"type": "ExternalName", "externalName": "localhost"}})
	admin.must(t, 201, "POST", "/apis/apiregistration.k8s.io/v1/apiservices", object{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": object{"name": "v1.example.test"},
		"spec": object{"group": "example.test", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1,
			"insecureSkipTLSVerify": true, "service": object{"namespace": "default", "name": "solver", "port": port}}})
	var answer string
	eventually(t, "the aggregated API answers", func() bool {
		var code int
		code, answer = admin.call("GET", "/apis/example.test/v1/whoami", nil)
		return code == http.StatusOK
	})
	if want := "front-proxy-client says admin of [system:masters system:authenticated]"; answer != want {
		t.Errorf("got %q, want %q", answer, want)
	}
	config := admin.must(t, 200, "GET", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication", nil)
	if !strings.Contains(config, "requestheader-client-ca-file") || !strings.Contains(config, `"client-ca-file"`) {
		t.Errorf("an aggregated API server finds no CAs to check callers with: %s", config)
	}
}

// aggregated serves discovery, and tells what the caller proved to be.
func aggregated(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/apis/example.test/v1", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(object{"kind": "APIResourceList", "apiVersion": "v1",
			"groupVersion": "example.test/v1", "resources": []object{}})
	})
	mux.HandleFunc("/apis/example.test/v1/whoami", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s says %s of %v", r.TLS.PeerCertificates[0].Subject.CommonName,
			r.Header.Get("X-Remote-User"), r.Header["X-Remote-Group"])
	})
	server := httptest.NewUnstartedServer(mux)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}
