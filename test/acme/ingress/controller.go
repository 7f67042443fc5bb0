package ingress

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listcore "k8s.io/client-go/listers/core/v1"
	listdiscovery "k8s.io/client-go/listers/discovery/v1"
	listnetworking "k8s.io/client-go/listers/networking/v1"
)

// Controller routes requests as the Ingresses of a cluster say.
type Controller struct {
	// Port is where it listens, of 127.0.0.1.
	Port int
	// Lost tells of hosts that lead elsewhere, whatever the Ingresses say: as
	// a name whose record points to a wrong machine.
	Lost func(host string) bool

	ingresses listnetworking.IngressLister
	services  listcore.ServiceLister
	slices    listdiscovery.EndpointSliceLister
	server    *http.Server
	requests  atomic.Int64
}

// Start starts a controller and waits until it has seen what is there. It ends
// with ctx, or by Close.
func Start(ctx context.Context, kube kubernetes.Interface, lost func(host string) bool) (*Controller, error) {
	factory := informers.NewSharedInformerFactory(kube, 0)
	c := &Controller{
		Lost:      lost,
		ingresses: factory.Networking().V1().Ingresses().Lister(),
		services:  factory.Core().V1().Services().Lister(),
		slices:    factory.Discovery().V1().EndpointSlices().Lister(),
	}
	factory.StartWithContext(ctx)
	if synced := factory.WaitForCacheSyncWithContext(ctx); synced.Err != nil {
		return nil, fmt.Errorf("read the Ingresses: %w", synced.Err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c.Port = listener.Addr().(*net.TCPAddr).Port
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = c.server.Serve(listener) }() // until Close
	return c, nil
}

// Proxy is its URL, for HTTP_PROXY.
func (c *Controller) Proxy() string { return fmt.Sprintf("http://127.0.0.1:%d", c.Port) }

// Requests is how many requests have come.
func (c *Controller) Requests() int { return int(c.requests.Load()) }

// Close ends it.
func (c *Controller) Close() error { return c.server.Close() }

// ServeHTTP proxies a request, or answers 404 as an ingress controller does
// that has no route.
func (c *Controller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.requests.Add(1)
	host := strings.ToLower(r.Host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if c.Lost != nil && c.Lost(host) {
		http.Error(w, "this is another machine", http.StatusNotFound)
		return
	}
	backend, err := c.route(host, r.URL.Path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "http", Host: backend})
			p.Out.Host = p.In.Host
		},
		ErrorLog: log.New(nowhere{}, "", 0), // a daemon that was killed answers nothing; the client sees 502
	}
	proxy.ServeHTTP(w, r)
}

type nowhere struct{}

// Write forgets.
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// route finds the backend of a request as host:port.
func (c *Controller) route(host, path string) (string, error) {
	all, err := c.ingresses.List(labels.Everything())
	if err != nil {
		return "", err
	}
	for _, ingress := range all {
		for _, rule := range ingress.Spec.Rules {
			if rule.HTTP == nil || rule.Host != "" && rule.Host != host {
				continue
			}
			for _, p := range rule.HTTP.Paths {
				if matches(p, path) && p.Backend.Service != nil {
					return c.backend(ingress.Namespace, p.Backend.Service)
				}
			}
		}
	}
	return "", fmt.Errorf("no Ingress for %s%s", host, path)
}

func matches(rule networking.HTTPIngressPath, path string) bool {
	if rule.PathType != nil && *rule.PathType == networking.PathTypeExact {
		return rule.Path == path
	}
	prefix := strings.TrimSuffix(rule.Path, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

var errNoEndpoint = errors.New("the Service has no ready endpoint")
