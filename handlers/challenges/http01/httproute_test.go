package http01

import (
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/challenges"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func byGateway(domain string) *cmacme.Challenge {
	return challenge("web", domain, &cmacme.ACMEChallengeSolverHTTP01{GatewayHTTPRoute: &cmacme.ACMEChallengeSolverHTTP01GatewayHTTPRoute{
		Labels:     map[string]string{"gate": "public"},
		ParentRefs: []gatewayv1.ParentReference{{Name: "gate", Namespace: ptr.To(gatewayv1.Namespace("edge")), SectionName: ptr.To(gatewayv1.SectionName("http"))}},
	}})
}

func TestHTTPRoute(t *testing.T) {
	web := byGateway("www.example.com")
	w := newWorld(t, defaults())
	w.at(web)
	w.present(web)
	w.wrote("create services shop/cm-acme-http-solver", "create endpointslices shop/cm-acme-http-solver", "create httproutes shop/"+webName)
	w.restart(defaults())
	w.present(web)
	w.wrote()
	route, err := w.gateway.GatewayV1().HTTPRoutes("shop").Get(t.Context(), webName, never)
	stored(w, route, err, `
metadata:
  name: cm-acme-http-solver-02134b3f2d
  namespace: shop
  uid: uid-of-cm-acme-http-solver-02134b3f2d
  labels: {acme.cert-manager.io/http-domain: "810681837", acme.cert-manager.io/http-token: "306905997", acme.cert-manager.io/http01-solver: "true", gate: public}
  annotations: {}
  ownerReferences: [{apiVersion: acme.cert-manager.io/v1, kind: Challenge, name: web, uid: uid-web, controller: true}]
spec:
  parentRefs: [{name: gate, namespace: edge, sectionName: http}]
  hostnames: [www.example.com]
  rules:
  - matches: [{path: {type: Exact, value: /.well-known/acme-challenge/token-web}}]
    backendRefs: [{group: "", kind: Service, name: cm-acme-http-solver, port: 8089, weight: 1}]
`)
	// What the API's defaults add is no difference; what somebody changes is.
	route, err = w.gateway.GatewayV1().HTTPRoutes("shop").Get(t.Context(), webName, never)
	if err != nil {
		t.Fatal(err)
	}
	route.Spec.ParentRefs[0].Kind = ptr.To(gatewayv1.Kind("Gateway"))
	route.Spec.ParentRefs[0].Group = ptr.To(gatewayv1.Group("gateway.networking.k8s.io"))
	w.update(route)
	w.restart(defaults())
	w.present(web)
	w.wrote()
	for _, spoil := range []func(){
		func() { route.Spec.ParentRefs[0].Name = "other" },
		func() { route.Spec.Rules[0].BackendRefs[0].Port = ptr.To[int32](80) },
		func() { route.Spec.Rules = append(route.Spec.Rules, route.Spec.Rules[0]) },
		func() { route.Spec.Hostnames = nil },
	} {
		spoil()
		w.update(route)
		w.restart(defaults())
		w.present(web)
		w.wrote("update httproutes shop/" + webName)
		if route, err = w.gateway.GatewayV1().HTTPRoutes("shop").Get(t.Context(), webName, never); err != nil {
			t.Fatal(err)
		}
	}
	w.remove(web)
	w.wrote("delete httproutes shop/"+webName, "delete services shop/cm-acme-http-solver")
	w.remove(web)
	w.wrote()
	w.empty()
}

func (w *world) update(r *gatewayv1.HTTPRoute) {
	w.t.Helper()
	if _, err := w.gateway.GatewayV1().HTTPRoutes("shop").Update(w.t.Context(), r, metav1.UpdateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.writes = nil
}

func TestHTTPRouteOfAnAddress(t *testing.T) {
	web := byGateway("192.0.2.7")
	w := newWorld(t, defaults())
	w.at(web)
	w.present(web)
	route, err := w.gateway.GatewayV1().HTTPRoutes("shop").Get(t.Context(), webName, never)
	if err != nil || len(route.Spec.Hostnames) > 0 {
		t.Errorf("%v %v", route, err)
	}
}

// Without the Gateway API, the Challenge says so, and is removed all the same.
func TestHTTPRouteWithoutItsAPI(t *testing.T) {
	web := byGateway("www.example.com")
	w := newWorld(t, defaults())
	w.at(web)
	w.fault = func(write string) error {
		if write == "create httproutes shop/"+webName {
			return apierrors.NewGenericServerResponse(404, "post", schema.GroupResource{Group: "gateway.networking.k8s.io", Resource: "httproutes"}, "", "", 0, true)
		}
		return nil
	}
	w.fails(w.solver.Present(t.Context(), challenges.Task{Challenge: web}), "HTTPRoute shop/"+webName, "does not know this kind of object", "CRDs of the Gateway API")
	w.fault = nil
	w.remove(web)
	w.empty()
}

// A failed self check tells what the Gateway says.
func TestHTTPRouteTrouble(t *testing.T) {
	web := byGateway("www.example.com")
	w := newWorld(t, defaults())
	w.at(web)
	w.present(web)
	condition := func(kind gatewayv1.RouteConditionType, status metav1.ConditionStatus, reason string) []gatewayv1.RouteParentStatus {
		return []gatewayv1.RouteParentStatus{{ParentRef: gatewayv1.ParentReference{Name: "gate"}, Conditions: []metav1.Condition{
			{Type: string(kind), Status: status, Reason: reason},
		}}}
	}
	for _, c := range []struct {
		parents []gatewayv1.RouteParentStatus
		want    string
	}{
		{nil, "; no Gateway has taken up HTTPRoute " + webName + "; check parentRefs"},
		{condition(gatewayv1.RouteConditionAccepted, metav1.ConditionFalse, "NotAllowedByListeners"), "; Gateway gate does not serve HTTPRoute " + webName + " (NotAllowedByListeners)"},
		{condition(gatewayv1.RouteConditionResolvedRefs, metav1.ConditionFalse, "BackendNotFound"), "(BackendNotFound)"},
		{condition(gatewayv1.RouteConditionAccepted, metav1.ConditionTrue, "Accepted"), "replace this check"},
	} {
		route, err := w.gateway.GatewayV1().HTTPRoutes("shop").Get(t.Context(), webName, never)
		if err != nil {
			t.Fatal(err)
		}
		route.Status.Parents = c.parents
		if _, err := w.gateway.GatewayV1().HTTPRoutes("shop").UpdateStatus(t.Context(), route, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		n := newInternet(t)
		n.records["www.example.com"] = []string{"192.0.2.1"}
		w.solver.asker = n.asker()
		if err := w.solver.Visible(t.Context(), challenges.Task{Challenge: web}); err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
}

// What was spoilt is mended by the self check that finds it so.
func TestAFailedSelfCheckMends(t *testing.T) {
	web := byGateway("www.example.com")
	w := newWorld(t, defaults())
	w.at(web)
	w.present(web)
	w.writes = nil
	for _, spoil := range []func() error{
		func() error {
			return w.gateway.GatewayV1().HTTPRoutes("shop").Delete(t.Context(), webName, metav1.DeleteOptions{})
		},
		func() error {
			return w.kube.DiscoveryV1().EndpointSlices("shop").Delete(t.Context(), "cm-acme-http-solver", metav1.DeleteOptions{})
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		n := newInternet(t)
		w.solver.asker = n.asker()
		if err := w.solver.Visible(t.Context(), challenges.Task{Challenge: web, Doubt: true}); err == nil {
			t.Error("it was visible")
		}
	}
	w.wrote("delete httproutes shop/"+webName, "create httproutes shop/"+webName,
		"delete endpointslices shop/cm-acme-http-solver", "create endpointslices shop/cm-acme-http-solver")
}
