package commands

import (
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func webhookCA(namespace, set string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "ca-server-cert",
			Labels: map[string]string{"certwright.dev/webhook-set": set, "certwright.dev/webhook-role": "ca"},
			Annotations: map[string]string{
				"certwright.dev/rotation-phase": "Serving", "certwright.dev/rotation-cause": "ca-forced",
				"certwright.dev/webhook-server-secret": "webhook-server-cert/tls.crt",
				"certwright.dev/webhook-ca-keys":       "ca.crt,ca.key,ca-old.crt",
			},
		},
		Data: map[string][]byte{"ca.crt": []byte("garbage"), "ca.key": []byte("SECRET")},
	}
}

func TestRotateWebhook(t *testing.T) {
	b := newBench(nil, webhookCA("ns", "shop"))
	b.expect(t, "rotate webhook shop --ca", exitOK, "webhook set shop: rotation of the CA asked for\n", "")
	request := func() string {
		s, err := b.kube.CoreV1().Secrets("ns").Get(t.Context(), "ca-server-cert", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s.Annotations["certwright.dev/rotate"]
	}
	if got := request(); !strings.HasPrefix(got, "ca 2") {
		t.Errorf("request %q", got)
	}
	b.expect(t, "rotate webhook shop", exitOK, "webhook set shop: rotation of the server certificate asked for\n", "")
	if got := request(); !strings.HasPrefix(got, "server 2") {
		t.Errorf("request %q", got)
	}
	b.expect(t, "rotate webhook shp", exitFailure, "",
		"Error: there is no set \"shp\" of webhook certificates in namespace ns; did you mean \"shop\"?\n")
}

func TestStatusWebhooks(t *testing.T) {
	hook := &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "hook", Annotations: map[string]string{"certwright.dev/webhook-set": "shop"}},
		Webhooks:   []admissionv1.ValidatingWebhook{{Name: "a.example.com"}},
	}
	b := newBench(nil, webhookCA("ns", "shop"), hook)
	if code := b.run(t, "status webhooks -o yaml"); code != exitOK || strings.Contains(b.out.String(), "SECRET") {
		t.Errorf("exit code %d, output\n%s%s", code, b.out.String(), b.err.String())
	}
	for _, want := range []string{"phase: Serving", "cause: ca-forced", "inPlace: false", "name: hook", "set: shop"} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("no %q in\n%s", want, b.out.String())
		}
	}
	b.run(t, "status webhooks -A")
	if !strings.Contains(b.out.String(), "0 of 1 in place") || !strings.HasPrefix(b.out.String(), "NAMESPACE") {
		t.Errorf("output\n%s", b.out.String())
	}
	b.expect(t, "status webhooks -n empty", exitOK, "", "No sets of webhook certificates found in namespace empty.\n")
}
