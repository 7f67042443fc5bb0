package webhookcerts

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/certwright/certwright/internal/webhookset"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"
)

// serving is a server with a certificate, on a port of this machine.
func servingAt(t *testing.T, leaf *authority) (port int) {
	t.Helper()
	pair, err := tls.X509KeyPair(leaf.certPEM, leaf.keyPEM)
	check(t, err)
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(nowhere{}, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().(*net.TCPAddr).Port
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// lasting makes a certificate live now, and not at the time of the other tests.
func lasting(c *x509.Certificate) {
	c.NotAfter = now.AddDate(100, 0, 0)
	c.NotBefore = now.AddDate(-10, 0, 0)
}

func TestLook(t *testing.T) {
	a, b := newAuthority(t, lasting), newAuthority(t, lasting)
	urlNames := func(c *x509.Certificate) {
		lasting(c)
		c.DNSNames, c.IPAddresses = append(c.DNSNames, "localhost"), []net.IP{net.ParseIP("127.0.0.1")}
	}
	former, fresh := servingAt(t, a.server(t, urlNames)), servingAt(t, b.server(t, urlNames))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	nobody := closed.Addr().(*net.TCPAddr).Port
	check(t, closed.Close())

	url := func(port int) admissionv1.WebhookClientConfig {
		return admissionv1.WebhookClientConfig{URL: ptr.To("https://127.0.0.1:" + strconv.Itoa(port) + "/x")}
	}
	service := admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{Namespace: "shop", Name: "hook"}}
	slice := func(name string, port int, ready bool) *discoveryv1.EndpointSlice {
		return &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{"kubernetes.io/service-name": "hook"}},
			Ports:      []discoveryv1.EndpointPort{{Port: ptr.To(int32(port))}},
			Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"127.0.0.1"}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
		}
	}
	for name, row := range map[string]struct {
		slices  []*discoveryv1.EndpointSlice
		clients []admissionv1.WebhookClientConfig
		want    Sight
	}{
		"new by URL":                {nil, []admissionv1.WebhookClientConfig{url(fresh)}, SeenNew},
		"former by URL":             {nil, []admissionv1.WebhookClientConfig{url(former)}, SeenFormer},
		"nobody there":              {nil, []admissionv1.WebhookClientConfig{url(nobody)}, Unseen},
		"one of two not there":      {nil, []admissionv1.WebhookClientConfig{url(nobody), url(fresh)}, Unseen},
		"one of two still former":   {nil, []admissionv1.WebhookClientConfig{url(nobody), url(fresh), url(former)}, SeenFormer},
		"all pods new":              {[]*discoveryv1.EndpointSlice{slice("a", fresh, true)}, []admissionv1.WebhookClientConfig{service}, SeenNew},
		"one pod former":            {[]*discoveryv1.EndpointSlice{slice("a", fresh, true), slice("b", former, true)}, []admissionv1.WebhookClientConfig{service}, SeenFormer},
		"a pod that is not ready":   {[]*discoveryv1.EndpointSlice{slice("a", fresh, true), slice("b", former, false)}, []admissionv1.WebhookClientConfig{service}, SeenFormer},
		"a Service without pods":    {nil, []admissionv1.WebhookClientConfig{service}, Unseen},
		"no webhooks":               {nil, nil, Unseen},
		"neither URL nor Service":   {nil, []admissionv1.WebhookClientConfig{{}}, Unseen},
		"a URL that cannot be read": {nil, []admissionv1.WebhookClientConfig{{URL: ptr.To("https://\x00")}}, Unseen},
	} {
		t.Run(name, func(t *testing.T) {
			client := kubefake.NewClientset()
			for _, s := range row.slices {
				_, err := client.DiscoveryV1().EndpointSlices("shop").Create(t.Context(), s, metav1.CreateOptions{})
				check(t, err)
			}
			h := Hook{Kind: webhookset.ValidatingKind}
			for i := range row.clients {
				h.Webhooks = append(h.Webhooks, Webhook{Name: strconv.Itoa(i), Client: &row.clients[i]})
			}
			o := &Observed{Set: shop(), CA: Pair{Cert: b.cert}, Hooks: []Hook{h}}
			if got := (prober{client}).look(t.Context(), o); got != row.want {
				t.Errorf("got %d, want %d", got, row.want)
			}
		})
	}
}
