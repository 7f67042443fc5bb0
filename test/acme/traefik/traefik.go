// Package traefik runs traefik, a real ingress controller and gateway, as a
// process of its own against a control plane.
package traefik

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/certwright/certwright/test/acme/binaries"
	"github.com/certwright/certwright/test/harness"
)

// Names of what Prepare makes.
const (
	IngressClass = "traefik"
	Gateway      = "web"
)

// objects make traefik the controller of a class of Ingresses, and of one
// Gateway that takes HTTPRoutes of all namespaces.
const objects = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: traefik}
spec: {controller: traefik.io/ingress-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: traefik}
spec: {controllerName: traefik.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: default}
spec:
  gatewayClassName: traefik
  listeners:
  - {name: http, protocol: HTTP, port: 80, allowedRoutes: {namespaces: {from: All}}}
`

// Controller is a traefik that runs.
type Controller struct {
	process *harness.Process
	address string
}

// Prepare defines the Gateway API, of the version in go.mod, and makes the
// objects that traefik serves.
func Prepare(ctx context.Context, clients *harness.Clients) error {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		return fmt.Errorf("find the module of the Gateway API: %w", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "config", "crd", "standard")
	if _, err := clients.ApplyDir(ctx, dir); err != nil {
		return err
	}
	parsed, err := harness.ParseManifests([]byte(objects))
	if err != nil {
		return err
	}
	for _, object := range parsed {
		if err := clients.Apply(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// Options say how traefik runs.
type Options struct {
	// Log receives a line at a time about a first build.
	Log io.Writer
	// Dir is an empty folder for its log.
	Dir string
	// Kubeconfig is what it reaches the control plane with.
	Kubeconfig string
	// Host is the address at which it listens, on ports 80 and 443.
	Host string
}

// Start starts traefik and waits until it listens. It ends with us, or by Stop.
func Start(ctx context.Context, o Options) (*Controller, error) {
	path, err := binaries.Traefik(ctx, o.Log)
	if err != nil {
		return nil, err
	}
	c := &Controller{address: net.JoinHostPort(o.Host, "80")}
	c.process, err = harness.StartProcess(harness.ProcessOptions{
		Name: "traefik", Path: path, Dir: o.Dir, Env: []string{"KUBECONFIG=" + o.Kubeconfig},
		Args: []string{
			"--entrypoints.web.address=" + c.address,
			"--entrypoints.websecure.address=" + net.JoinHostPort(o.Host, "443"),
			"--providers.kubernetesingress", "--providers.kubernetesingress.ingressclass=" + IngressClass,
			"--providers.kubernetesingress.ingressendpoint.ip=" + o.Host,
			"--providers.kubernetesgateway",
			"--global.checknewversion=false", "--global.sendanonymoususage=false", "--log.level=INFO",
		},
	})
	if err != nil {
		return nil, err
	}
	return c, c.process.Until(ctx, c.answers)
}

// Stop ends traefik.
func (c *Controller) Stop() { c.process.Stop() }

// Log is everything it has said.
func (c *Controller) Log() string { return c.process.Log() }

// answers asks for a path that nobody serves.
func (c *Controller) answers(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+"/", nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Timeout: time.Second}).Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

var gateways = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "gateways"}

// UntilProgrammed waits until traefik has taken up the Gateway.
func UntilProgrammed(ctx context.Context, clients *harness.Clients) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		gateway, err := clients.Dynamic.Resource(gateways).Namespace("default").Get(ctx, Gateway, metav1.GetOptions{})
		if err == nil && programmed(gateway) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("traefik has not taken up the Gateway (%w): %v", ctx.Err(), gateway)
		}
	}
}

func programmed(gateway *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(gateway.Object, "status", "conditions")
	for _, c := range conditions {
		if condition, is := c.(map[string]any); is && condition["type"] == "Programmed" && condition["status"] == "True" {
			return true
		}
	}
	return false
}
