package webhookcerts

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strconv"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Sight is what was seen of the servers.
type Sight int

// The sights.
const (
	Unseen     Sight = iota // not all of them could be reached
	SeenNew                 // all of them serve a certificate that the new CA verifies
	SeenFormer              // one of them does not
)

// probeTime bounds a look at one server; a handshake takes milliseconds.
const probeTime = 2 * time.Second

// prober looks at what webhook servers serve, by a TLS handshake.
type prober struct{ client kubernetes.Interface }

// place is one server: where it is, and by which name it is called.
type place struct{ address, name string }

// look sees what all servers of a set serve. This is the one wait that is no
// event: a server tells nobody that it has loaded its certificate.
func (p prober) look(ctx context.Context, o *Observed) Sight {
	seen := map[place]bool{}
	result := SeenNew
	for _, h := range o.Hooks {
		for _, w := range h.Webhooks {
			places, ok := p.places(ctx, w.Client)
			if !ok {
				result = Unseen
			}
			for _, at := range places {
				if seen[at] {
					continue
				}
				seen[at] = true
				switch handshake(ctx, at, o.CA.Cert) {
				case SeenFormer:
					return SeenFormer
				case Unseen:
					result = Unseen
				}
			}
		}
	}
	if len(seen) == 0 {
		return Unseen
	}
	return result
}

// places finds the servers behind a webhook. False means that there are some
// which cannot be found.
func (p prober) places(ctx context.Context, c *admissionv1.WebhookClientConfig) ([]place, bool) {
	switch {
	case c.URL != nil:
		u, err := url.Parse(*c.URL)
		if err != nil {
			return nil, false
		}
		port := u.Port()
		if port == "" {
			port = "443"
		}
		return []place{{net.JoinHostPort(u.Hostname(), port), u.Hostname()}}, true
	case c.Service != nil:
		return p.endpoints(ctx, c.Service)
	}
	return nil, false
}

// endpoints are the pods behind a Service: the Service itself would show one
// of them, while another may still serve the old certificate. One that is not
// ready counts as well: it may become so with what it has loaded.
func (p prober) endpoints(ctx context.Context, s *admissionv1.ServiceReference) ([]place, bool) {
	list, err := p.client.DiscoveryV1().EndpointSlices(s.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + s.Name})
	if err != nil {
		return nil, false
	}
	var all []place
	for _, slice := range list.Items {
		if len(slice.Ports) != 1 || slice.Ports[0].Port == nil {
			return nil, false // which of them is the webhook's is not said here
		}
		for _, e := range slice.Endpoints {
			for _, address := range e.Addresses {
				all = append(all, place{net.JoinHostPort(address, strconv.Itoa(int(*slice.Ports[0].Port))), s.Name + "." + s.Namespace + ".svc"})
			}
		}
	}
	return all, len(all) > 0
}

// handshake is the API server's own: it verifies by the new CA alone.
func handshake(ctx context.Context, at place, ca *x509.Certificate) Sight {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: at.name, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", at.address)
	if _, refused := errors.AsType[*tls.CertificateVerificationError](err); refused {
		return SeenFormer
	}
	if err != nil {
		return Unseen
	}
	_ = conn.Close() // it has shown its certificate
	return SeenNew
}
