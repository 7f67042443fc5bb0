package informers

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// withShims has everything watched that asks by annotation.
func (c *cluster) withShims(o *Options) {
	o.Shims = Shims{Ingresses: true, Gateways: true, ListenerSets: true, Gateway: c.gateway, Annotations: []string{"kubernetes.io/tls-acme"}}
}

func withRestarts(o *Options) { o.Restarts = true }

func ingressOf(name string, secrets ...string) *networkingv1.Ingress {
	ing := &networkingv1.Ingress{ObjectMeta: named("shop", name)}
	ing.Annotations = map[string]string{"cert-manager.io/issuer": "ca"}
	for _, s := range secrets {
		ing.Spec.TLS = append(ing.Spec.TLS, networkingv1.IngressTLS{SecretName: s, Hosts: []string{"a.test"}})
	}
	return ing
}

func listenerOf(secret string) gatewayv1.Listener {
	return gatewayv1.Listener{Name: "a", TLS: &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Name: gatewayv1.ObjectName(secret)}}}}
}

func gatewayOf(name, secret string) *gatewayv1.Gateway {
	gw := &gatewayv1.Gateway{ObjectMeta: named("shop", name)}
	gw.Annotations = map[string]string{"cert-manager.io/issuer": "ca", "certwright.dev/hostnames-from-routes": "true"}
	gw.Spec.Listeners = []gatewayv1.Listener{listenerOf(secret)}
	return gw
}

func listenerSetOf(name, gateway, secret string) *gatewayv1.ListenerSet {
	ls := &gatewayv1.ListenerSet{ObjectMeta: named("shop", name)}
	ls.Spec.ParentRef.Name = gatewayv1.ObjectName(gateway)
	ls.Spec.Listeners = []gatewayv1.ListenerEntry{gatewayv1.ListenerEntry(listenerOf(secret))}
	return ls
}

func httpRoute(name, gateway string) *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{ObjectMeta: named("shop", name)}
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: gatewayv1.ObjectName(gateway)}}
	return r
}

func shimKey(kind queue.Kind, name string) queue.Key {
	return queue.Key{Kind: kind, Namespace: "shop", Name: name}
}

// shimRoute tests a row whose Set watches what asks by annotation.
func testShimRoutes(t *testing.T, rows []routeRow) {
	t.Parallel()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, c *cluster) {
				c.put(row.there...)
				_, woken := c.watched(c.withShims)
				row.event(c)
				if diff := woken.DiffKeys(row.wakes...); diff != "" {
					t.Errorf("keys (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestRoutesFromShims(t *testing.T) {
	mute := ingressOf("web", "tls")
	mute.Annotations = map[string]string{"team.test/note": "x"}
	elsewhere := ingressOf("other", "tls")
	elsewhere.Namespace = "bank"
	own := controlledByShim(certificate("shop", "tls", "tls"), networkingv1.SchemeGroupVersion.WithKind("Ingress"), "gone")
	far := httpRoute("route", "gw")
	far.Namespace = "bank"
	silent := gatewayOf("gw", "tls")
	silent.Annotations = map[string]string{"cert-manager.io/issuer": "ca"}
	web, api := shimKey(queue.Ingress, "web"), shimKey(queue.Ingress, "api")
	gw, set := shimKey(queue.Gateway, "gw"), shimKey(queue.ListenerSet, "set")
	testShimRoutes(t, []routeRow{
		{"Ingress", nil, put(ingressOf("web", "tls")), []queue.Key{web}},
		{"Ingress that asks for nothing", nil, put(mute), nil},
		{"Ingress that asks no more", []object{ingressOf("web", "tls")}, put(mute), []queue.Key{web}},
		{"Ingress deleted, and its sharer", []object{ingressOf("web", "tls"), ingressOf("api", "b", "tls"), elsewhere}, remove(ingressOf("web", "tls")), []queue.Key{web, api}},
		{"Ingress that leaves its sharer", []object{ingressOf("web", "tls"), ingressOf("api", "tls")}, put(ingressOf("web", "new")), []queue.Key{web, api}},
		{"Certificate of an owner", nil, put(own), []queue.Key{certificateKey("tls"), shimKey(queue.Ingress, "gone")}},
		{"Certificate of that name", []object{ingressOf("web", "tls"), gatewayOf("gw", "tls")}, put(certificate("shop", "tls", "x")), []queue.Key{certificateKey("tls"), web, gw}},
		{"Certificate with that Secret", []object{ingressOf("web", "tls"), listenerSetOf("set", "gw", "tls")}, put(certificate("shop", "x", "tls")), []queue.Key{certificateKey("x"), web, set}},
		{"Gateway, and its ListenerSets", []object{listenerSetOf("set", "gw", "b"), listenerSetOf("b", "other", "b")}, put(gatewayOf("gw", "a")), []queue.Key{gw, set}},
		{"ListenerSet, and its sharer", []object{listenerSetOf("b", "other", "tls")}, put(listenerSetOf("set", "gw", "tls")), []queue.Key{set, shimKey(queue.ListenerSet, "b")}},
		{"route", []object{gatewayOf("gw", "a")}, put(httpRoute("route", "gw")), []queue.Key{gw}},
		{"route that moves", []object{gatewayOf("gw", "a"), gatewayOf("b", "b"), httpRoute("route", "gw")}, put(httpRoute("route", "b")), []queue.Key{gw, shimKey(queue.Gateway, "b")}},
		{"route of another namespace", []object{gatewayOf("gw", "a")}, put(far), nil},
		{"route of a Gateway that takes no names", []object{silent}, put(httpRoute("route", "gw")), nil},
	})
}

func controlledByShim(crt *cmapi.Certificate, kind schema.GroupVersionKind, owner string) *cmapi.Certificate {
	o := named("shop", owner)
	return ownedBy(crt, &o, kind)
}

// What is cached of an Ingress is what asks, and nothing of what routes.
func TestParentsAreTrimmed(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		full := ingressOf("web", "tls")
		full.Labels = map[string]string{"app": "web"}
		full.Annotations["nginx.test/snippet"], full.Annotations["kubernetes.io/tls-acme"] = "pages", "true"
		full.Spec.Rules = []networkingv1.IngressRule{{Host: "a.test"}}
		mute := ingressOf("mute", "tls")
		mute.Annotations, mute.Labels = map[string]string{"nginx.test/snippet": "pages"}, map[string]string{"app": "mute"}
		route := httpRoute("route", "gw")
		route.Spec.Rules = []gatewayv1.HTTPRouteRule{{}}
		route.Status.Parents = []gatewayv1.RouteParentStatus{{Conditions: []metav1.Condition{{Type: "ResolvedRefs", Message: "text"}, {Type: "Accepted", Status: "True", Message: "text"}}}}
		c.put(full, mute, route)
		set, _ := c.watched(c.withShims)
		want := ingressOf("web", "tls")
		want.Labels, want.Annotations["kubernetes.io/tls-acme"] = full.Labels, "true"
		got := set.Ingress("shop", "web").DeepCopy()
		got.ResourceVersion = ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Ingress (-want +got):\n%s", diff)
		}
		if m := set.Ingress("shop", "mute"); len(m.Labels)+len(m.Annotations)+len(m.Spec.TLS) > 0 {
			t.Errorf("of one that asks for nothing there is %+v", m)
		}
		if names := set.NamesSecret(queue.Ingress, "shop", "tls"); len(names) != 1 {
			t.Errorf("the Secret is named by %v", names)
		}
		r := set.RoutesOf(queue.Gateway, "shop", "gw")
		if len(r) != 1 || len(r[0].Spec.Rules) > 0 || len(r[0].Status.Parents[0].Conditions) != 1 || r[0].Status.Parents[0].Conditions[0].Message != "" {
			t.Errorf("routes %+v", r)
		}
	})
}

// Nobody waits for the Gateway API, and it is watched when it comes.
func TestGatewaysThatComeLater(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		var installed atomic.Bool
		o := c.options()
		c.withShims(&o)
		o.Served = func(_ context.Context, r schema.GroupVersionResource) (bool, error) {
			return installed.Load() || r.Group != "gateway.networking.k8s.io", nil
		}
		set := New(o)
		woken := recorderOf(set)
		c.run(set)
		if !set.Synced() || !set.ShimsSynced(queue.Ingress) || set.ShimsSynced(queue.Gateway) || set.ShimsSynced(queue.ListenerSet) || len(set.Missing()) > 0 {
			t.Errorf("without it: synced %t, Ingresses %t, Gateways %t, missing %v", set.Synced(), set.ShimsSynced(queue.Ingress), set.ShimsSynced(queue.Gateway), set.Missing())
		}
		installed.Store(true)
		c.put(gatewayOf("gw", "tls"), listenerSetOf("set", "gw", "x"))
		time.Sleep(time.Minute) // of the bubble
		synctest.Wait()
		if diff := woken.DiffKeys(shimKey(queue.Gateway, "gw"), shimKey(queue.ListenerSet, "set")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		if !set.ShimsSynced(queue.Gateway) || !set.ShimsSynced(queue.ListenerSet) || set.Gateway("shop", "gw") == nil || set.ListenerSet("shop", "set") == nil {
			t.Error("it is not known")
		}
	})
}

// A Set without these parts answers that there is nothing.
func TestNoShims(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		set, _ := c.watched()
		if set.ShimsSynced(queue.Ingress) || set.ShimsSynced(queue.Gateway) || set.ShimsSynced(queue.Certificate) || set.RestartsSynced() ||
			set.Ingress("shop", "a") != nil || set.Gateway("shop", "a") != nil || set.RoutesOf(queue.Gateway, "shop", "a") != nil || set.NamesSecret(queue.Gateway, "shop", "a") != nil {
			t.Error("there is something")
		}
	})
}

func deploymentOf(name string, annotated bool, secrets ...string) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: named("shop", name)}
	if annotated {
		d.Annotations = map[string]string{"certwright.dev/restart-on-renewal": "true"}
	}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "web:1"}}
	for _, s := range secrets {
		d.Spec.Template.Spec.Containers[0].EnvFrom = append(d.Spec.Template.Spec.Containers[0].EnvFrom,
			corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: s}}})
	}
	return d
}

func TestRoutesFromWorkloads(t *testing.T) {
	stateful := &appsv1.StatefulSet{ObjectMeta: deploymentOf("b", true).ObjectMeta, Spec: appsv1.StatefulSetSpec{Template: deploymentOf("b", true, "tls").Spec.Template}}
	daemon := &appsv1.DaemonSet{ObjectMeta: deploymentOf("c", true).ObjectMeta, Spec: appsv1.DaemonSetSpec{Template: deploymentOf("c", true, "tls").Spec.Template}}
	here := []queue.Key{queue.RestartsIn("shop")}
	testRoutes(t, []routeRow{
		{"Deployment", nil, put(deploymentOf("web", true, "tls")), here},
		{"StatefulSet", nil, put(stateful), here},
		{"DaemonSet", nil, put(daemon), here},
		{"one that asks for nothing", nil, put(deploymentOf("web", false, "tls")), nil},
		{"Secret of one", []object{deploymentOf("web", true, "tls")}, put(ownSecret("shop", "tls")), here},
		{"Secret of a StatefulSet", []object{stateful}, put(ownSecret("shop", "tls")), here},
		{"Secret of a DaemonSet", []object{daemon}, put(ownSecret("shop", "tls")), here},
		{"another Secret", []object{deploymentOf("web", true, "tls")}, put(ownSecret("shop", "other")), nil},
		{"Secret of one that asks for nothing", []object{deploymentOf("web", false, "tls")}, put(ownSecret("shop", "tls")), nil},
	}, withRestarts)
}

func TestWorkloadsAreTrimmed(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(deploymentOf("web", true, "tls"), deploymentOf("mute", false, "tls"), ownSecret("shop", "tls"))
		set, _ := c.watched(withRestarts)
		all := set.RestartedDeployments("shop")
		if len(all) != 1 || len(all[0].Spec.Template.Spec.Containers) > 0 || all[0].Spec.Template.Spec.Volumes[0].Secret.SecretName != "tls" {
			t.Errorf("Deployments %+v", all)
		}
		if len(set.RestartedStatefulSets("shop"))+len(set.RestartedDaemonSets("shop")) > 0 || set.OwnSecret("shop", "tls") == nil || set.OwnSecret("shop", "x") != nil {
			t.Error("wrong answers")
		}
	})
}

// A sweep finds all who ask.
func TestKeysOfShims(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		mute := ingressOf("mute", "x")
		mute.Annotations = nil
		c.put(ingressOf("web", "tls"), mute, gatewayOf("gw", "a"), listenerSetOf("set", "gw", "b"), deploymentOf("web", true, "tls"), deploymentOf("api", true, "tls"), deploymentOf("mute", false, "tls"))
		set, _ := c.watched(c.withShims, withRestarts)
		got := slices.Collect(set.Keys())
		slices.SortFunc(got, queue.Key.Compare)
		want := []queue.Key{shimKey(queue.Ingress, "web"), shimKey(queue.Gateway, "gw"), shimKey(queue.ListenerSet, "set"), queue.RestartsIn("shop")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}
