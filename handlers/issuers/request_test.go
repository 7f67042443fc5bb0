package issuers

import "testing"

// An annotation has one name on a CertificateRequest and another on a
// Kubernetes CertificateSigningRequest, which does not know the first.
func TestAnnotation(t *testing.T) {
	t.Parallel()
	annotations := map[string]string{
		"cert-manager.io/private-key-secret-name":              "a",
		"experimental.cert-manager.io/private-key-secret-name": "b",
		"venafi.cert-manager.io/custom-fields":                 "c",
		"venafi.experimental.cert-manager.io/custom-fields":    "d",
	}
	for _, row := range []struct {
		name         string
		experimental bool
		value, known string
	}{
		{"cert-manager.io/private-key-secret-name", false, "a", "cert-manager.io/private-key-secret-name"},
		{"cert-manager.io/private-key-secret-name", true, "b", "experimental.cert-manager.io/private-key-secret-name"},
		{"venafi.cert-manager.io/custom-fields", false, "c", "venafi.cert-manager.io/custom-fields"},
		{"venafi.cert-manager.io/custom-fields", true, "d", "venafi.experimental.cert-manager.io/custom-fields"},
		{"cert-manager.io/nothing", true, "", "experimental.cert-manager.io/nothing"},
	} {
		r := Request{Annotations: annotations, Experimental: row.experimental}
		if value, known := r.Annotation(row.name); value != row.value || known != row.known {
			t.Errorf("%s, experimental %t: got %q of %s, want %q of %s", row.name, row.experimental, value, known, row.value, row.known)
		}
	}
}
