package http01

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/certwright/certwright/handlers/challenges"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// sharedLabel marks the Services that lead to the daemon, for the sweep.
const sharedLabel = "certwright.dev/http01-shared"

// servicePort is the contract's (section 1.4). Only where a name stands for the
// daemon it is the daemon's own, because nothing translates it then.
const servicePort = 8089

// trust is how long a shared Service that was found right is not looked at
// again: in a burst of challenges once, and after a failed self check at once.
const trust = 30 * time.Second

// useShared makes sure of the namespace's way to the daemon.
func (s *Solver) useShared(ctx context.Context, p plan, doubt bool) (backend, error) {
	way := s.locks.of(p.ch.Namespace + "/service/" + p.shared())
	defer way.lock()()
	delete(way.leaving, p.ch.UID)
	if s.settings.Host == "" {
		return backend{}, challenges.Faulty("%s", s.settings.Unreachable)
	}
	if s.named() && p.gateway != nil {
		return backend{}, challenges.Faulty("--acme-http01-solver-address: a Gateway does not follow the DNS name %s, for which a Service of type ExternalName stands; give an IP address", s.settings.Host)
	}
	if !doubt && s.clock.Since(way.seen) < trust {
		return s.sharedBackend(p.shared()), nil
	}
	s.shares.Store(true)
	if err := s.makeShared(ctx, p.ch.Namespace, p.shared(), p.serviceType); err != nil {
		return backend{}, err
	}
	way.seen = s.clock.Now()
	return s.sharedBackend(p.shared()), nil
}

func (s *Solver) sharedBackend(service string) backend {
	if s.named() {
		return backend{service, int32(s.settings.Port)}
	}
	return backend{service, servicePort}
}

// named reports that the daemon is reached by a DNS name.
func (s *Solver) named() bool {
	_, err := netip.ParseAddr(s.settings.Host)
	return err != nil
}

func (s *Solver) makeShared(ctx context.Context, namespace, name string, t corev1.ServiceType) error {
	service, err := s.sharedServices(namespace).ensure(ctx, s.sharedService(namespace, name, t))
	if err != nil || s.named() {
		return err
	}
	ip, _ := netip.ParseAddr(s.settings.Host) // else it would be a name
	if ip = ip.Unmap(); ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast() {
		return challenges.Faulty("--acme-http01-solver-address: %s cannot be an endpoint in Kubernetes, which refuses loopback, link-local, multicast and unspecified addresses; name another address of the daemon, or a DNS name", s.settings.Host)
	}
	_, err = s.slices(namespace).ensure(ctx, s.slice(service, ip))
	return err
}

func (s *Solver) sharedLabels() map[string]string {
	all := map[string]string{cmacme.SolverIdentificationLabelKey: "true", sharedLabel: "true"}
	add(all, s.settings.Labels)
	return all
}

func (s *Solver) sharedService(namespace, name string, t corev1.ServiceType) *corev1.Service {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: s.sharedLabels()}}
	b := s.sharedBackend(name)
	service.Spec.Type = t
	service.Spec.Ports = []corev1.ServicePort{httpPort(b.port, s.settings.Port)}
	if s.named() {
		service.Spec.Type = corev1.ServiceTypeExternalName
		service.Spec.ExternalName = strings.TrimSuffix(s.settings.Host, ".")
	}
	return service
}

func (s *Solver) slice(of *corev1.Service, ip netip.Addr) *discoveryv1.EndpointSlice {
	name, port, protocol, ready, controls := "http", int32(s.settings.Port), corev1.ProtocolTCP, true, true
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: of.Namespace, Name: of.Name, Labels: s.sharedLabels(),
			// The Service takes it along when it goes.
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Service", Name: of.Name, UID: of.UID, Controller: &controls}},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{ip.String()}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
		Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &port, Protocol: &protocol}},
	}
	if ip.Is6() {
		slice.AddressType = discoveryv1.AddressTypeIPv6
	}
	slice.Labels[discoveryv1.LabelServiceName] = of.Name
	slice.Labels[discoveryv1.LabelManagedBy] = "certwright"
	return slice
}

func isShared(o metav1.Object) bool { return o.GetLabels()[sharedLabel] == "true" }

func (s *Solver) sharedServices(namespace string) kept[*corev1.Service] {
	return kept[*corev1.Service]{
		kind: "Service", store: s.api.Services.Services(namespace),
		ours: func(have *corev1.Service) bool { return isShared(have) }, merge: mergeService,
	}
}

func (s *Solver) slices(namespace string) kept[*discoveryv1.EndpointSlice] {
	return kept[*discoveryv1.EndpointSlice]{
		kind: "EndpointSlice", store: s.api.Slices.EndpointSlices(namespace),
		ours: func(have *discoveryv1.EndpointSlice) bool { return isShared(have) }, merge: mergeSlice,
	}
}

func mergeSlice(have, want *discoveryv1.EndpointSlice) (*discoveryv1.EndpointSlice, bool) {
	next := have.DeepCopy()
	dress(next, want)
	if len(have.Endpoints) != 1 || !sameEndpoint(have.Endpoints[0], want.Endpoints[0]) {
		next.Endpoints = want.Endpoints
	}
	next.Ports = want.Ports
	return next, have.AddressType != want.AddressType // which cannot be changed
}

func sameEndpoint(have, want discoveryv1.Endpoint) bool {
	return len(have.Addresses) == 1 && have.Addresses[0] == want.Addresses[0] &&
		have.Conditions.Ready != nil && *have.Conditions.Ready
}

// leaveShared takes the shared Service away with the last challenge that used it.
func (s *Solver) leaveShared(ctx context.Context, p plan) error {
	way := s.locks.of(p.ch.Namespace + "/service/" + p.shared())
	defer way.lock()()
	if way.leaving == nil {
		way.leaving = map[types.UID]bool{}
	}
	way.leaving[p.ch.UID] = true
	if s.used(p.ch.Namespace, p.shared(), way.leaving) {
		return nil
	}
	way.seen = time.Time{}
	return s.sharedServices(p.ch.Namespace).remove(ctx, p.ch.Namespace, p.shared())
}

// used reports whether any challenge needs the shared Service of that name. The
// cache may still show one as under way that has left it; leaving has those.
func (s *Solver) used(namespace, name string, leaving map[types.UID]bool) bool {
	used, shown := false, map[types.UID]bool{}
	for _, ch := range s.cache.SolvingHTTP01(namespace) {
		shown[ch.UID] = true
		if p, err := planFor(ch, s.settings); err != nil || p.pod || p.shared() != name || leaving[ch.UID] || ch.DeletionTimestamp != nil {
			continue
		}
		used = true
	}
	for uid := range leaving {
		if !shown[uid] {
			delete(leaving, uid)
		}
	}
	return used
}

// Sweep takes away the shared Services of these namespaces (none: of all) that
// no challenge uses, which a crash may have left, and has the others follow the
// daemon's address. It asks the API server for nothing when it has once found
// none and no challenge has come since.
func (s *Solver) Sweep(ctx context.Context, namespaces ...string) error {
	if !s.shares.Swap(false) {
		return nil
	}
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	var all error
	for _, ns := range namespaces {
		selector := labels.SelectorFromSet(labels.Set{sharedLabel: "true"}).String()
		list, err := s.api.Services.Services(ns).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			s.shares.Store(true)
			all = errors.Join(all, fmt.Errorf("list the Services of HTTP-01 challenges: %w", err))
			continue
		}
		if len(list.Items) > 0 {
			s.shares.Store(true)
		}
		for i := range list.Items {
			all = errors.Join(all, s.sweepOne(ctx, &list.Items[i]))
		}
	}
	return all
}

func (s *Solver) sweepOne(ctx context.Context, service *corev1.Service) error {
	way := s.locks.of(service.Namespace + "/service/" + service.Name)
	defer way.lock()()
	if !s.used(service.Namespace, service.Name, way.leaving) {
		way.seen = time.Time{}
		return s.sharedServices(service.Namespace).remove(ctx, service.Namespace, service.Name)
	}
	if s.settings.Host == "" {
		return nil
	}
	t := corev1.ServiceTypeNodePort
	if service.Name != prefix {
		t = corev1.ServiceTypeClusterIP
	}
	err := s.makeShared(ctx, service.Namespace, service.Name, t)
	if apierrors.IsConflict(err) {
		return nil // somebody was quicker; the next sweep, or the next challenge, looks again
	}
	return err
}
