package annotations

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/test/harness"
)

func (p place) apply(text string) {
	p.Helper()
	objects, err := harness.ParseManifests([]byte(strings.ReplaceAll(text, "NAMESPACE", p.Namespace)))
	p.Must(err)
	for _, o := range objects {
		p.Must(p.Apply(p.Context(), o))
	}
}

const gateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: gw
  namespace: NAMESPACE
  annotations: {cert-manager.io/issuer: ca}
spec:
  gatewayClassName: nobodys
  listeners:
  - {name: web, protocol: HTTPS, port: 443, hostname: "*.web.test", tls: {certificateRefs: [{name: web-tls}]}}
  - {name: through, protocol: TLS, port: 8443, hostname: p.test, tls: {mode: Passthrough}}
  - {name: far, protocol: HTTPS, port: 443, hostname: far.test, tls: {certificateRefs: [{name: far-tls, namespace: elsewhere}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: set, namespace: NAMESPACE}
spec:
  parentRef: {name: gw}
  listeners:
  - {name: set, protocol: HTTPS, port: 443, hostname: set.test, tls: {certificateRefs: [{name: set-tls}]}}
`

// The Gateway API comes when the daemon is at work already.
func TestAGatewayAPIThatComesLater(t *testing.T) {
	p := here(t)
	out, err := exec.CommandContext(p.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	p.Must(err)
	_, err = p.ApplyDir(p.Context(), filepath.Join(strings.TrimSpace(string(out)), "config", "crd", "standard"))
	p.Must(err)
	p.apply(gateway)
	crt := p.Ready("web-tls")
	if crt.Spec.DNSNames[0] != "*.web.test" || crt.Annotations["acme.cert-manager.io/http01-parentrefname"] != "gw" {
		t.Errorf("got %+v", crt)
	}
	p.Ready("set-tls")
	p.AwaitEvent("gw", "BadConfig", "spec.listeners[2].tls.certificateRefs[0].namespace: this listener is passed over")
	p.apply(strings.Replace(gateway, "issuer: ca", "issuer: other", 1))
	for _, name := range []string{"web-tls", "set-tls"} {
		p.Await(name, func(crt *cmapi.Certificate) bool { return crt.Spec.IssuerRef.Name == "other" })
	}
}
