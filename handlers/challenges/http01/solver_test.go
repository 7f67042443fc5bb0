package http01

import (
	"context"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/challenges"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The names of what challenges "web" and "api" have of their own.
const (
	webName = "cm-acme-http-solver-02134b3f2d"
	apiName = "cm-acme-http-solver-27c37103e6"
)

var never = metav1.GetOptions{}

func TestIngress(t *testing.T) {
	web := challenge("web", "www.example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{
		IngressClassName: ptr.To("nginx"),
		IngressTemplate: &cmacme.ACMEChallengeSolverHTTP01IngressTemplate{ACMEChallengeSolverHTTP01IngressObjectMeta: cmacme.ACMEChallengeSolverHTTP01IngressObjectMeta{
			Labels:      map[string]string{"team": "web", "acme.cert-manager.io/http01-solver": "no"},
			Annotations: map[string]string{"example.test/a": "b", "nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8"},
		}},
	}))
	w := newWorld(t, defaults())
	w.at(web)
	w.present(web)
	w.wrote("create services shop/cm-acme-http-solver", "create endpointslices shop/cm-acme-http-solver", "create ingresses shop/"+webName)
	w.present(web)
	w.clock.SetTime(w.clock.Now().Add(time.Hour)) // what was seen is looked at again
	w.present(web)
	w.restart(defaults())
	w.present(web)
	w.wrote()

	in, err := w.kube.NetworkingV1().Ingresses("shop").Get(t.Context(), webName, never)
	stored(w, in, err, `
metadata:
  name: cm-acme-http-solver-02134b3f2d
  namespace: shop
  uid: uid-of-cm-acme-http-solver-02134b3f2d
  labels: {acme.cert-manager.io/http-domain: "810681837", acme.cert-manager.io/http-token: "306905997", acme.cert-manager.io/http01-solver: "true", team: web}
  annotations: {example.test/a: b, nginx.ingress.kubernetes.io/whitelist-source-range: 10.0.0.0/8}
  ownerReferences: [{apiVersion: acme.cert-manager.io/v1, kind: Challenge, name: web, uid: uid-web, controller: true}]
spec:
  ingressClassName: nginx
  rules:
  - host: www.example.com
    http:
      paths:
      - path: /.well-known/acme-challenge/token-web
        pathType: Exact
        backend: {service: {name: cm-acme-http-solver, port: {number: 8089}}}
`)
	service, err := w.kube.CoreV1().Services("shop").Get(t.Context(), "cm-acme-http-solver", never)
	stored(w, service, err, `
metadata:
  name: cm-acme-http-solver
  namespace: shop
  uid: uid-of-cm-acme-http-solver
  labels: {acme.cert-manager.io/http01-solver: "true", certwright.dev/http01-shared: "true"}
spec:
  type: NodePort
  ports: [{name: http, port: 8089, targetPort: 8089, protocol: TCP}]
`)
	slice, err := w.kube.DiscoveryV1().EndpointSlices("shop").Get(t.Context(), "cm-acme-http-solver", never)
	stored(w, slice, err, `
metadata:
  name: cm-acme-http-solver
  namespace: shop
  uid: uid-of-cm-acme-http-solver
  labels:
    acme.cert-manager.io/http01-solver: "true"
    certwright.dev/http01-shared: "true"
    kubernetes.io/service-name: cm-acme-http-solver
    endpointslice.kubernetes.io/managed-by: certwright
  ownerReferences: [{apiVersion: v1, kind: Service, name: cm-acme-http-solver, uid: uid-of-cm-acme-http-solver, controller: true}]
addressType: IPv4
endpoints: [{addresses: [192.0.2.10], conditions: {ready: true}}]
ports: [{name: http, port: 8089, protocol: TCP}]
`)

	w.remove(web)
	w.wrote("delete ingresses shop/"+webName, "delete services shop/cm-acme-http-solver")
	w.remove(web)
	w.restart(defaults())
	w.remove(web)
	w.wrote()
}

// The first time nothing is read of what is the challenge's own; and if it is
// there all the same, from before a crash, it is found right.
func TestFirstTime(t *testing.T) {
	web := challenge("web", "www.example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{}))
	w := newWorld(t, defaults())
	w.at(web)
	reads := 0
	w.kube.PrependReactor("get", "ingresses", func(clienttesting.Action) (bool, runtime.Object, error) { reads++; return false, nil, nil })
	first := challenges.Task{Challenge: web, First: true}
	if err := w.solver.Present(t.Context(), first); err != nil || reads != 0 {
		t.Errorf("Present: %v, with %d reads", err, reads)
	}
	w.wrote("create services shop/cm-acme-http-solver", "create endpointslices shop/cm-acme-http-solver", "create ingresses shop/"+webName)
	w.restart(defaults())
	if err := w.solver.Present(t.Context(), first); err != nil || reads != 1 {
		t.Errorf("Present once more: %v, with %d reads", err, reads)
	}
	w.wrote("create ingresses shop/" + webName) // which is refused
}

func TestIngressVariants(t *testing.T) {
	for name, c := range map[string]struct {
		solver   cmacme.ACMEChallengeSolverHTTP01Ingress
		domain   string
		settings func(*Settings)
		service  string
		check    func(t *testing.T, in *networkingv1.Ingress, service *corev1.Service)
	}{
		"class by annotation": {solver: cmacme.ACMEChallengeSolverHTTP01Ingress{Class: ptr.To("haproxy")}, check: func(t *testing.T, in *networkingv1.Ingress, _ *corev1.Service) {
			if in.Annotations["kubernetes.io/ingress.class"] != "haproxy" || in.Spec.IngressClassName != nil ||
				in.Annotations["nginx.ingress.kubernetes.io/whitelist-source-range"] != "0.0.0.0/0,::/0" {
				t.Errorf("%v %v", in.Annotations, in.Spec)
			}
		}},
		"an IP address has no host": {domain: "192.0.2.7", check: func(t *testing.T, in *networkingv1.Ingress, _ *corev1.Service) {
			if in.Spec.Rules[0].Host != "" || in.Labels["acme.cert-manager.io/http-domain"] != "147653056" {
				t.Errorf("%v %v", in.Spec.Rules, in.Labels)
			}
		}},
		"upper case": {domain: "WWW.Example.COM.", check: func(t *testing.T, in *networkingv1.Ingress, _ *corev1.Service) {
			if in.Spec.Rules[0].Host != "www.example.com" {
				t.Error(in.Spec.Rules)
			}
		}},
		"cluster IP": {solver: cmacme.ACMEChallengeSolverHTTP01Ingress{ServiceType: corev1.ServiceTypeClusterIP}, service: "cm-acme-http-solver-clusterip", check: func(t *testing.T, in *networkingv1.Ingress, s *corev1.Service) {
			if s.Spec.Type != corev1.ServiceTypeClusterIP || in.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name != s.Name {
				t.Errorf("%v %v", s.Spec, in.Spec.Rules)
			}
		}},
		"a name is an ExternalName": {settings: func(s *Settings) { s.Host, s.Port = "solver.example.com.", 80 }, check: func(t *testing.T, in *networkingv1.Ingress, s *corev1.Service) {
			if s.Spec.Type != corev1.ServiceTypeExternalName || s.Spec.ExternalName != "solver.example.com" || s.Spec.Ports[0].Port != 80 ||
				in.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port.Number != 80 {
				t.Errorf("%v %v", s.Spec, in.Spec.Rules)
			}
		}},
		"another port": {settings: func(s *Settings) { s.Host, s.Port = "2001:db8::1", 9999 }, check: func(t *testing.T, in *networkingv1.Ingress, s *corev1.Service) {
			if s.Spec.Ports[0].Port != 8089 || s.Spec.Ports[0].TargetPort.IntValue() != 9999 || in.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port.Number != 8089 {
				t.Errorf("%v %v", s.Spec, in.Spec.Rules)
			}
		}},
		"labels of the operator": {settings: func(s *Settings) {
			s.Labels = map[string]string{"cost": "7", "acme.cert-manager.io/http01-solver": "x"}
		}, check: func(t *testing.T, in *networkingv1.Ingress, s *corev1.Service) {
			for _, labels := range []map[string]string{in.Labels, s.Labels} {
				if labels["cost"] != "7" || labels["acme.cert-manager.io/http01-solver"] != "true" {
					t.Error(labels)
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := defaults()
			if c.settings != nil {
				c.settings(&s)
			}
			if c.service == "" {
				c.service = "cm-acme-http-solver"
			}
			if c.domain == "" {
				c.domain = "www.example.com"
			}
			web := challenge("web", c.domain, byIngress(c.solver))
			w := newWorld(t, s)
			w.at(web)
			w.present(web)
			in, err := w.kube.NetworkingV1().Ingresses("shop").Get(t.Context(), webName, never)
			if err != nil {
				t.Fatal(err)
			}
			service, err := w.kube.CoreV1().Services("shop").Get(t.Context(), c.service, never)
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, in, service)
			w.writes = nil
			w.restart(s)
			w.present(web)
			w.wrote()
			w.remove(web)
			w.wrote("delete ingresses shop/"+webName, "delete services shop/"+c.service)
		})
	}
}

// Killed between any two writes, it goes on, and leaves nothing behind.
func TestCrashes(t *testing.T) {
	for dies := range 5 {
		web := challenge("web", "www.example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{}))
		w := newWorld(t, defaults())
		w.at(web)
		count := 0
		w.fault = func(string) error {
			if count++; count > dies {
				return context.Canceled
			}
			return nil
		}
		if err := w.solver.Present(t.Context(), challenges.Task{Challenge: web}); (err != nil) != (dies < 3) {
			t.Errorf("dies at write %d: %v", dies+1, err)
		}
		if dies >= 3 {
			_ = w.solver.Remove(t.Context(), challenges.Task{Challenge: web})
		}
		w.fault = nil
		w.restart(defaults())
		if dies < 3 {
			w.present(web)
		}
		w.restart(defaults())
		w.remove(web)
		w.empty()
	}
}

// empty expects that nothing is left but what the API server's garbage
// collection takes: the EndpointSlice, whose Service is gone.
func (w *world) empty() {
	w.t.Helper()
	services, _ := w.kube.CoreV1().Services("").List(context.Background(), metav1.ListOptions{})
	ingresses, _ := w.kube.NetworkingV1().Ingresses("").List(context.Background(), metav1.ListOptions{})
	pods, _ := w.kube.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{})
	routes, _ := w.gateway.GatewayV1().HTTPRoutes("").List(context.Background(), metav1.ListOptions{})
	if n := len(services.Items) + len(ingresses.Items) + len(pods.Items) + len(routes.Items); n > 0 {
		w.t.Errorf("left: %v %v %v %v", services.Items, ingresses.Items, pods.Items, routes.Items)
	}
}

// What somebody spoils is mended; what is somebody else's is left alone.
func TestSpoilt(t *testing.T) {
	web := challenge("web", "www.example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{}))
	w := newWorld(t, defaults())
	w.at(web)
	w.present(web)
	in, err := w.kube.NetworkingV1().Ingresses("shop").Get(t.Context(), webName, never)
	if err != nil {
		t.Fatal(err)
	}
	in.Spec.Rules[0].Host = "other.example.com"
	in.Annotations["controller.test/seen"] = "yes"
	in.Spec.IngressClassName = ptr.To("the-default")
	delete(in.Labels, "acme.cert-manager.io/http01-solver")
	if _, err := w.kube.NetworkingV1().Ingresses("shop").Update(t.Context(), in, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.writes = nil
	w.present(web)
	w.wrote("update ingresses shop/" + webName)
	in, err = w.kube.NetworkingV1().Ingresses("shop").Get(t.Context(), webName, never)
	if err != nil || in.Spec.Rules[0].Host != "www.example.com" || in.Annotations["controller.test/seen"] != "yes" || *in.Spec.IngressClassName != "the-default" {
		t.Errorf("%v %v", in, err)
	}
	if err := w.kube.CoreV1().Services("shop").Delete(t.Context(), "cm-acme-http-solver", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.writes = nil
	w.clock.SetTime(w.clock.Now().Add(time.Hour))
	w.present(web)
	w.wrote("create services shop/cm-acme-http-solver")
}

func TestStrangers(t *testing.T) {
	web := challenge("web", "www.example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{}))
	mine := metav1.ObjectMeta{Namespace: "shop", Name: "cm-acme-http-solver"}
	w := newWorld(t, defaults(), &corev1.Service{ObjectMeta: mine})
	w.at(web)
	w.fails(w.solver.Present(t.Context(), challenges.Task{Challenge: web}), "Service shop/cm-acme-http-solver exists, and was made by somebody else: delete or rename it")
	w.remove(web)
	w.wrote()
	mine.Name = webName
	w = newWorld(t, defaults(), &networkingv1.Ingress{ObjectMeta: mine})
	w.at(web)
	w.fails(w.solver.Present(t.Context(), challenges.Task{Challenge: web}), "Ingress shop/"+webName+" exists")
	w.writes = nil
	w.remove(web)
	w.wrote("delete services shop/cm-acme-http-solver")
}

func TestFaults(t *testing.T) {
	parents := []gatewayv1.ParentReference{{Name: "gate"}}
	byGateway := &cmacme.ACMEChallengeSolverHTTP01{GatewayHTTPRoute: &cmacme.ACMEChallengeSolverHTTP01GatewayHTTPRoute{ParentRefs: parents}}
	wild := challenge("web", "example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{}))
	wild.Spec.Wildcard = true
	for name, c := range map[string]struct {
		ch       *cmacme.Challenge
		settings func(*Settings)
		words    []string
	}{
		"wildcard":       {wild, nil, []string{"spec.wildcard", "*.example.com", "DNS-01"}},
		"no solver":      {challenge("web", "a.test", nil), nil, []string{"neither ingress nor gatewayHTTPRoute", "set one of them"}},
		"empty solver":   {challenge("web", "a.test", &cmacme.ACMEChallengeSolverHTTP01{}), nil, []string{"neither ingress nor gatewayHTTPRoute"}},
		"service type":   {challenge("web", "a.test", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{ServiceType: "LoadBalancer"})), nil, []string{`serviceType "LoadBalancer"`, "write NodePort or ClusterIP"}},
		"no parents":     {challenge("web", "a.test", &cmacme.ACMEChallengeSolverHTTP01{GatewayHTTPRoute: &cmacme.ACMEChallengeSolverHTTP01GatewayHTTPRoute{}}), nil, []string{"parentRefs", "name the one that serves a.test"}},
		"no address":     {challenge("web", "a.test", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{})), func(s *Settings) { s.Host = "" }, []string{"--acme-http01-solver-address: unknown"}},
		"loopback":       {challenge("web", "a.test", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{})), func(s *Settings) { s.Host = "127.0.0.1" }, []string{"127.0.0.1 cannot be an endpoint", "name another address"}},
		"gateway, name":  {challenge("web", "a.test", byGateway), func(s *Settings) { s.Host = "a.example.com" }, []string{"a Gateway does not follow the DNS name", "give an IP address"}},
		"pod, no image":  {challenge("web", "a.test", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{})), func(s *Settings) { s.Pods, s.Image = true, "" }, []string{"--acme-http01-solver-image"}},
		"no such edited": {challenge("web", "a.test", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{Name: "mine"})), nil, []string{"Ingress shop/mine does not exist: create it"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := defaults()
			if c.settings != nil {
				c.settings(&s)
			}
			w := newWorld(t, s)
			w.at(c.ch)
			first := w.solver.Present(t.Context(), challenges.Task{Challenge: c.ch})
			w.fails(first, c.words...)
			if again := w.solver.Visible(t.Context(), challenges.Task{Challenge: c.ch}); c.ch.Spec.Wildcard && again.Error() != first.Error() {
				t.Errorf("the text changed: %v", again)
			}
			w.remove(c.ch)
			w.empty()
		})
	}
}

// The API server's refusals are for people; that it is busy is not.
func TestRefusals(t *testing.T) {
	web := challenge("web", "www.example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{}))
	in := schema.GroupResource{Group: "networking.k8s.io", Resource: "ingresses"}
	w := newWorld(t, defaults())
	w.at(web)
	w.fault = func(write string) error {
		if write == "create ingresses shop/"+webName {
			return apierrors.NewForbidden(in, webName, context.DeadlineExceeded)
		}
		return nil
	}
	w.fails(w.solver.Present(t.Context(), challenges.Task{Challenge: web}), "create Ingress shop/"+webName+": the API server refuses: ")
	w.fault = func(string) error { return apierrors.NewTooManyRequests("busy", 1) }
	if err := w.solver.Present(t.Context(), challenges.Task{Challenge: web}); !apierrors.IsTooManyRequests(err) {
		t.Errorf("got %v", err)
	}
}
