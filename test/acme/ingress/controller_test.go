package ingress_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/acme/ingress"
)

func TestRoutes(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host, r.URL.Path)
	}))
	t.Cleanup(backend.Close)
	_, text, _ := net.SplitHostPort(backend.Listener.Addr().String())
	number, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	port := int32(number)
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "ns", Name: name} }
	sliced := meta("sliced-1")
	sliced.Labels = map[string]string{discovery.LabelServiceName: "sliced"}
	kube := fake.NewClientset(
		&corev1.Service{ObjectMeta: meta("named"), Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"}},
		&corev1.Service{ObjectMeta: meta("sliced"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80}}}},
		&discovery.EndpointSlice{ObjectMeta: sliced, Endpoints: []discovery.Endpoint{{Addresses: []string{"127.0.0.1"}}},
			Ports: []discovery.EndpointPort{{Name: ptr.To("http"), Port: &port}}},
		route("a.test", networking.PathTypeExact, "/x/token", "named", networking.ServiceBackendPort{Number: port}),
		route("b.test", networking.PathTypeImplementationSpecific, "/x/", "sliced", networking.ServiceBackendPort{Name: "http"}),
		route("c.test", networking.PathTypePrefix, "/", "nobody", networking.ServiceBackendPort{Number: 80}),
		route("lost.test", networking.PathTypePrefix, "/", "sliced", networking.ServiceBackendPort{Number: 80}),
	)
	c, err := ingress.Start(t.Context(), kube, func(host string) bool { return host == "lost.test" })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	for address, want := range map[string]string{
		"http://a.test/x/token":    "200 a.test/x/token",
		"http://A.test:80/x/token": "200 A.test:80/x/token",
		"http://a.test/x/token2":   "404 no Ingress for a.test/x/token2",
		"http://b.test/x/token":    "200 b.test/x/token",
		"http://b.test/y":          "404 no Ingress for b.test/y",
		"http://c.test/":           `404 service "nobody" not found`,
		"http://lost.test/":        "404 this is another machine",
		"http://d.test/":           "404 no Ingress for d.test/",
	} {
		if got := get(t, c, address); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}

func route(host string, kind networking.PathType, path, service string, port networking.ServiceBackendPort) *networking.Ingress {
	rule := networking.HTTPIngressPath{Path: path, PathType: &kind, Backend: networking.IngressBackend{
		Service: &networking.IngressServiceBackend{Name: service, Port: port},
	}}
	return &networking.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: host},
		Spec: networking.IngressSpec{Rules: []networking.IngressRule{{Host: host, IngressRuleValue: networking.IngressRuleValue{
			HTTP: &networking.HTTPIngressRuleValue{Paths: []networking.HTTPIngressPath{rule}},
		}}}},
	}
}

// get asks through the controller as HTTP_PROXY does.
func get(t *testing.T, c *ingress.Controller, address string) string {
	t.Helper()
	proxy, err := url.Parse(c.Proxy())
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}}
	response, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(response.StatusCode, " ", strings.TrimSpace(string(body)))
}
