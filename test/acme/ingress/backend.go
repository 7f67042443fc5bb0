package ingress

import (
	"fmt"
	"net"

	corev1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// backend follows a Service to an address.
func (c *Controller) backend(namespace string, to *networking.IngressServiceBackend) (string, error) {
	service, err := c.services.Services(namespace).Get(to.Name)
	if err != nil {
		return "", err
	}
	port, err := portOf(service, to.Port)
	if err != nil {
		return "", err
	}
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return net.JoinHostPort(service.Spec.ExternalName, fmt.Sprint(port.Port)), nil
	}
	return c.endpoint(service, port)
}

// portOf finds the port by number or by name. A Service of type ExternalName
// may have no ports; the number then stands for itself.
func portOf(service *corev1.Service, wanted networking.ServiceBackendPort) (corev1.ServicePort, error) {
	for _, port := range service.Spec.Ports {
		if wanted.Name != "" && port.Name == wanted.Name || wanted.Number != 0 && port.Port == wanted.Number {
			return port, nil
		}
	}
	if service.Spec.Type == corev1.ServiceTypeExternalName && wanted.Number != 0 {
		return corev1.ServicePort{Port: wanted.Number}, nil
	}
	return corev1.ServicePort{}, fmt.Errorf("the Service %s has no port %s%d", service.Name, wanted.Name, wanted.Number)
}

func (c *Controller) endpoint(service *corev1.Service, port corev1.ServicePort) (string, error) {
	selector := labels.SelectorFromSet(labels.Set{discovery.LabelServiceName: service.Name})
	all, err := c.slices.EndpointSlices(service.Namespace).List(selector)
	if err != nil {
		return "", err
	}
	for _, slice := range all {
		for _, p := range slice.Ports {
			if p.Port == nil || p.Name != nil && *p.Name != port.Name {
				continue
			}
			for _, endpoint := range slice.Endpoints {
				if ready := endpoint.Conditions.Ready; (ready == nil || *ready) && len(endpoint.Addresses) > 0 {
					return net.JoinHostPort(endpoint.Addresses[0], fmt.Sprint(*p.Port)), nil
				}
			}
		}
	}
	return "", fmt.Errorf("%w: %s/%s", errNoEndpoint, service.Namespace, service.Name)
}
