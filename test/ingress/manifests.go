package main

import (
	"strings"

	"github.com/certwright/certwright/test/acme/netns"
)

// route is a name that is to be served over TLS with a certificate from a Secret.
type route struct{ host, secret string }

// routes are all names of the manifests below.
var routes = []route{
	{"web.ingress.test", "web-tls"},
	{"a.wild.test", "wild-tls"},
	{"one.shared.test", "shared-tls"},
	{"two.shared.test", "shared-tls"},
	{"web.gateway.test", "gateway-tls"},
	{"b.gatewaywild.test", "gatewaywild-tls"},
	{"named-by-route.test", "routes-tls"},
}

const namespace = "shop"

// manifests are what a user applies, but for the issuer.
func manifests() string {
	return strings.NewReplacer("ADDRESS", netns.Address).Replace(backend) +
		ingress("web", "web.ingress.test", "web.ingress.test", "web-tls") +
		ingress("wild", "*.wild.test", "a.wild.test", "wild-tls") +
		ingress("shared-one", "one.shared.test", "one.shared.test", "shared-tls") +
		ingress("shared-two", "two.shared.test", "two.shared.test", "shared-tls") +
		gateway + httpRoute("gateway", "web.gateway.test", "exact") + httpRoute("gateway-wild", "b.gatewaywild.test", "wild") +
		httpRoute("names", "named-by-route.test", "open")
}

const backend = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  ports: [{name: http, port: 80, targetPort: 8000}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8000}]
endpoints: [{addresses: [ADDRESS], conditions: {ready: true}}]
`

func ingress(name, tls, host, secret string) string {
	return strings.NewReplacer("NAME", name, "TLS", tls, "HOST", host, "SECRET", secret).Replace(`
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: NAME
  namespace: shop
  annotations:
    cert-manager.io/issuer: ca
    cert-manager.io/private-key-algorithm: ECDSA
    traefik.ingress.kubernetes.io/router.entrypoints: websecure
    traefik.ingress.kubernetes.io/router.tls: "true"
spec:
  ingressClassName: traefik
  tls: [{hosts: ["TLS"], secretName: SECRET}]
  rules:
  - host: HOST
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}
`)
}

const gateway = `
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: gw
  namespace: shop
  annotations:
    cert-manager.io/issuer: ca
    cert-manager.io/private-key-algorithm: ECDSA
    certwright.dev/hostnames-from-routes: "true"
spec:
  gatewayClassName: traefik
  listeners:
  - {name: exact, protocol: HTTPS, port: 443, hostname: web.gateway.test, tls: {mode: Terminate, certificateRefs: [{name: gateway-tls}]}}
  - {name: wild, protocol: HTTPS, port: 443, hostname: "*.gatewaywild.test", tls: {mode: Terminate, certificateRefs: [{name: gatewaywild-tls}]}}
  - {name: open, protocol: HTTPS, port: 443, tls: {mode: Terminate, certificateRefs: [{name: routes-tls}]}}
`

func httpRoute(name, host, listener string) string {
	return strings.NewReplacer("NAME", name, "HOST", host, "LISTENER", listener).Replace(`
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, namespace: shop}
spec:
  parentRefs: [{name: gw, sectionName: LISTENER}]
  hostnames: [HOST]
  rules: [{backendRefs: [{name: web, port: 80}]}]
`)
}
