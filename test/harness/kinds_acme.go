package harness

import (
	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// Orders of any namespace.
func (c *Clients) Orders() Kind[*cmacme.Order] {
	return Kind[*cmacme.Order]{c.CertManager.AcmeV1().RESTClient(), "orders", &cmacme.Order{}}
}

// Challenges of any namespace.
func (c *Clients) Challenges() Kind[*cmacme.Challenge] {
	return Kind[*cmacme.Challenge]{c.CertManager.AcmeV1().RESTClient(), "challenges", &cmacme.Challenge{}}
}

// Ingresses of any namespace.
func (c *Clients) Ingresses() Kind[*networkingv1.Ingress] {
	return Kind[*networkingv1.Ingress]{c.Kube.NetworkingV1().RESTClient(), "ingresses", &networkingv1.Ingress{}}
}

// Services of any namespace.
func (c *Clients) Services() Kind[*corev1.Service] {
	return Kind[*corev1.Service]{c.Kube.CoreV1().RESTClient(), "services", &corev1.Service{}}
}

// EndpointSlices of any namespace.
func (c *Clients) EndpointSlices() Kind[*discoveryv1.EndpointSlice] {
	return Kind[*discoveryv1.EndpointSlice]{c.Kube.DiscoveryV1().RESTClient(), "endpointslices", &discoveryv1.EndpointSlice{}}
}
