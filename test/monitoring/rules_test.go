package monitoring

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// alert is one rule of deploy/monitoring/rules.yaml.
type alert struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

func (a alert) duration(t *testing.T) time.Duration {
	t.Helper()
	d, err := model.ParseDuration(a.For)
	if err != nil {
		t.Fatalf("%s: for: %v", a.Alert, err)
	}
	return time.Duration(d)
}

func alerts(t *testing.T) map[string]alert {
	t.Helper()
	var file struct {
		APIVersion, Kind string
		Spec             struct {
			Groups []struct {
				Name  string
				Rules []alert
			}
		}
	}
	readYAML(t, "rules.yaml", &file)
	if file.APIVersion != "monitoring.coreos.com/v1" || file.Kind != "PrometheusRule" {
		t.Fatalf("rules.yaml is %s %s", file.APIVersion, file.Kind)
	}
	all := map[string]alert{}
	for _, g := range file.Spec.Groups {
		for _, r := range g.Rules {
			if _, twice := all[r.Alert]; twice || r.Alert == "" {
				t.Errorf("group %s: alert %q is there twice, or has no name", g.Name, r.Alert)
			}
			all[r.Alert] = r
		}
	}
	return all
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict(read(t, "deploy/monitoring/"+name), into); err != nil {
		if !strings.Contains(err.Error(), "unknown field") { // of metadata, which is not looked at
			t.Fatalf("%s: %v", name, err)
		}
		if err := yaml.Unmarshal(read(t, "deploy/monitoring/"+name), into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

var (
	headings   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	annotation = regexp.MustCompile(`\{\{([^}]*)\}\}`)
	labelUse   = regexp.MustCompile(`\$labels\.([a-z_]+)`)
)

// Each alert says what is wrong and where it is told what to do, in a place
// that exists; and it speaks only of labels that its expression gives.
func TestEveryAlertSaysWhatToDo(t *testing.T) {
	anchors := map[string]bool{}
	for _, h := range headings.FindAllStringSubmatch(string(read(t, "docs/observability.md")), -1) {
		anchors[strings.ReplaceAll(strings.ToLower(h[1]), " ", "-")] = true
	}
	for name, a := range alerts(t) {
		if s := a.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s has the severity %q", name, s)
		}
		for _, key := range []string{"summary", "description"} {
			if a.Annotations[key] == "" {
				t.Errorf("%s has no %s", name, key)
			}
		}
		page, anchor, _ := strings.Cut(a.Annotations["runbook_url"], "#")
		if !strings.HasSuffix(page, "/docs/observability.md") || !anchors[anchor] {
			t.Errorf("%s: %s leads nowhere", name, a.Annotations["runbook_url"])
		}
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(a.Expr)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		given := grouping(expr)
		for _, text := range a.Annotations {
			for _, use := range labelUse.FindAllStringSubmatch(strings.Join(annotation.FindAllString(text, -1), " "), -1) {
				if !given[use[1]] {
					t.Errorf("%s speaks of the label %s, which %q does not give", name, use[1], a.Expr)
				}
			}
		}
	}
}

// grouping is the labels that aggregations of an expression keep.
func grouping(expr parser.Expr) map[string]bool {
	labels := map[string]bool{}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok {
			for _, l := range a.Grouping {
				labels[l] = true
			}
		}
		return nil
	})
	return labels
}

// The monitors find the pods and Services that deploy makes.
func TestMonitorsFindWhatIsDeployed(t *testing.T) {
	type endpoint struct {
		Port, Path  string
		HonorLabels bool
	}
	var monitor struct {
		APIVersion, Kind string
		Spec             struct {
			Selector                       struct{ MatchLabels map[string]string }
			Endpoints, PodMetricsEndpoints []endpoint
		}
	}
	for _, name := range []string{"servicemonitor.yaml", "podmonitor.yaml"} {
		monitor.Spec.Endpoints, monitor.Spec.PodMetricsEndpoints = nil, nil
		readYAML(t, name, &monitor)
		all := append(monitor.Spec.Endpoints, monitor.Spec.PodMetricsEndpoints...)
		if len(all) != 1 || all[0].Port != "http-metrics" || all[0].Path != "/metrics" || !all[0].HonorLabels {
			t.Errorf("%s: %+v", name, all)
		}
		if monitor.APIVersion != "monitoring.coreos.com/v1" || monitor.Kind+".yaml" != map[string]string{"servicemonitor.yaml": "ServiceMonitor.yaml", "podmonitor.yaml": "PodMonitor.yaml"}[name] {
			t.Errorf("%s is %s %s", name, monitor.APIVersion, monitor.Kind)
		}
		if fmt.Sprint(monitor.Spec.Selector.MatchLabels) != "map[app.kubernetes.io/name:certwright]" {
			t.Errorf("%s selects %v", name, monitor.Spec.Selector.MatchLabels)
		}
	}
	for _, path := range []string{"deploy/deployment/deployment.yaml", "deploy/deployment/service.yaml"} {
		if !strings.Contains(string(read(t, path)), "app.kubernetes.io/name: certwright") {
			t.Errorf("%s has not the label that the monitors look for", path)
		}
	}
	if !strings.Contains(string(read(t, "deploy/deployment/deployment.yaml")), "{name: http-metrics, containerPort: 9402}") {
		t.Error("the Deployment has no port http-metrics")
	}
}
