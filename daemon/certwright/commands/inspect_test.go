package commands

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestInspectSecret(t *testing.T) {
	b := newBench(nil, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web-tls"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{"tls.key": []byte("topsecret"), "other": []byte("topsecret")},
	})
	b.expect(t, "inspect secret web-tls", exitOK, `Secret ns/web-tls
  Type         kubernetes.io/tls
  Holds        other, tls.key

Checks
  bad          tls.crt is missing: nothing was issued into this Secret yet, or it is no TLS Secret
  bad          tls.key cannot be read: private key: no PEM block found
  note         ca.crt is absent: clients must know the CA from elsewhere (ACME issuers give none)
`, "")
	for _, format := range []string{"json", "yaml"} {
		if code := b.run(t, "inspect secret web-tls -o "+format); code != 0 || !strings.Contains(b.out.String(), "web-tls") {
			t.Errorf("%d\n%s", code, b.out.String())
		}
		// Neither as text nor in the base64 of a Secret.
		if strings.Contains(b.out.String(), "topsecret") || strings.Contains(b.out.String(), "dG9wc2VjcmV0") {
			t.Error("the key is shown")
		}
	}
	b.expect(t, "inspect secret web-tsl", exitFailure, "", "Error: secrets \"web-tsl\" not found in namespace ns; did you mean \"web-tls\"?\n")
}
