package chart

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestSameAsTheManifests: the chart with its own values is deploy and
// deploy/deployment, but for names and labels of the release. So no right, flag or
// probe can be in one of them alone.
func TestSameAsTheManifests(t *testing.T) {
	for kind, folder := range map[string]string{"Deployment": "deploy/deployment", "DaemonSet": "deploy/daemonset"} {
		ours := byName(template(t, "--set", "kind="+kind, "--set", "crds.keep=false", "--set", "networkPolicy.enabled=true",
			"--set", "podDisruptionBudget.enabled="+map[bool]string{true: "true", false: "false"}[kind == "Deployment"],
			"--set", "prometheus.enabled="+map[bool]string{true: "true", false: "false"}[has(t, folder, "Service")]))
		want := byName(append(parse(t, must(t, "kustomize", "build", "deploy")), parse(t, must(t, "kustomize", "build", folder))...))
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if strings.HasPrefix(name, "Namespace ") {
				continue // helm's --create-namespace makes it
			}
			if ours[name] == nil {
				t.Errorf("%s: the chart has no %s", kind, name)
				continue
			}
			if diff := difference(lines(t, want[name]), lines(t, ours[name])); diff != "" {
				t.Errorf("%s: the chart's %s differs from that in deploy (-deploy +chart):\n%s", kind, name, diff)
			}
		}
		for name := range ours {
			if want[name] == nil {
				t.Errorf("%s: only the chart has %s", kind, name)
			}
		}
	}
}

// lines are what an object says, one after the other.
func lines(t *testing.T, o *unstructured.Unstructured) []string {
	text, err := yaml.Marshal(substance(o))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// difference are the lines that one has more often; their order says nothing.
func difference(want, got []string) string {
	more := map[string]int{}
	for _, line := range want {
		more[line]--
	}
	for _, line := range got {
		more[line]++
	}
	var out strings.Builder
	for _, line := range slices.Sorted(maps.Keys(more)) {
		for n := more[line]; n != 0; n -= n / max(n, -n) {
			out.WriteString(map[bool]string{true: "+", false: "-"}[n > 0] + line + "\n")
		}
	}
	return out.String()
}

func has(t *testing.T, folder, kind string) bool {
	return strings.Contains(must(t, "kustomize", "build", folder), "\nkind: "+kind+"\n")
}

func byName(objects []*unstructured.Unstructured) map[string]*unstructured.Unstructured {
	all := map[string]*unstructured.Unstructured{}
	for _, o := range objects {
		all[o.GetKind()+" "+o.GetNamespace()+"/"+o.GetName()] = o
	}
	return all
}

// substance is an object without what belongs to a release or a kustomization:
// labels, selectors, the image, and what only says a default aloud.
func substance(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	aggregation := map[string]any{}
	for key, value := range o.GetLabels() {
		if strings.Contains(key, "aggregate-to") {
			aggregation[key] = value
		}
	}
	delete(o.Object, "metadata")
	o.Object["aggregation"] = aggregation
	return clean(o.Object).(map[string]any)
}

// clean goes down to what is compared.
func clean(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			switch {
			case slices.Contains([]string{"matchLabels", "labels", "selector", "image", "imagePullPolicy", "automountServiceAccountToken", "enableServiceLinks", "revisionHistoryLimit", "successThreshold"}, key),
				key == "nodeSelector": // Linux, which is all there is an image for
				delete(v, key)
			case key == "metadata" && len(inner.(map[string]any)) > 0 && v["spec"] != nil:
				delete(v, key) // of the pod
			default:
				v[key] = clean(inner)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = clean(v[i])
		}
		return v
	default:
		return v
	}
}
