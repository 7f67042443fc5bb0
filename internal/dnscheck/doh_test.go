package dnscheck_test

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"testing"
)

// writeCertificate makes a test server's certificate one of the system's roots.
func writeCertificate(t *testing.T, path string, server *httptest.Server) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
}
