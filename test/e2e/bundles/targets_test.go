package bundles

import (
	"encoding/base64"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/certwright/certwright/test/e2e/suite"
)

// target is an object that a bundle is injected into; NAME in its manifest is
// the test's namespace, so that tests do not meet.
type target struct {
	resource schema.GroupVersionResource
	manifest string
	path     []string // of the bundle, in an object or the first webhook
}

var targets = map[string]target{
	"mutating": {schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingwebhookconfigurations"}, `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: NAME}
webhooks:
- {name: a.example.com, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: Ignore, clientConfig: {service: {namespace: NAME, name: web}}}
- {name: b.example.com, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: Ignore, clientConfig: {url: "https://web.example.com"}}
`, []string{"clientConfig", "caBundle"}},
	"validating": {schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}, `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: NAME}
webhooks:
- {name: a.example.com, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: Ignore, clientConfig: {service: {namespace: NAME, name: web}}}
`, []string{"clientConfig", "caBundle"}},
	"apiservice": {schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}, `
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.NAME.example.com}
spec: {group: NAME.example.com, version: v1, groupPriorityMinimum: 1000, versionPriority: 15, service: {namespace: NAME, name: web}}
`, []string{"spec", "caBundle"}},
	"crd": {schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}, `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: toys.crd.NAME.example.com}
spec:
  group: crd.NAME.example.com
  names: {plural: toys, singular: toy, kind: Toy, listKind: ToyList}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {service: {namespace: NAME, name: web}}}}
`, []string{"spec", "conversion", "webhook", "clientConfig", "caBundle"}},
}

// create stores the target with an annotation, and removes it with the test.
func (g target) create(s *suite.Space, annotation, value string) *unstructured.Unstructured {
	s.Helper()
	o := &unstructured.Unstructured{}
	s.Must(yaml.Unmarshal([]byte(strings.ReplaceAll(g.manifest, "NAME", s.Namespace)), &o.Object))
	o.SetAnnotations(map[string]string{"cert-manager.io/" + annotation: value})
	got, err := s.Dynamic.Resource(g.resource).Create(s.Context(), o, metav1.CreateOptions{})
	s.Must(err)
	s.Cleanup(func() {
		ctx, cancel := s.Within()
		defer cancel()
		_ = s.Dynamic.Resource(g.resource).Delete(ctx, o.GetName(), metav1.DeleteOptions{})
	})
	return got
}

func (g target) get(s *suite.Space, name string) *unstructured.Unstructured {
	s.Helper()
	o, err := s.Dynamic.Resource(g.resource).Get(s.Context(), name, metav1.GetOptions{})
	s.Must(err)
	return o
}

func (g target) patch(s *suite.Space, name, patch string) {
	s.Helper()
	_, err := s.Dynamic.Resource(g.resource).Patch(s.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	s.Must(err)
}

// bundles are all of an object; "" where one is empty.
func (g target) bundles(s *suite.Space, o *unstructured.Unstructured) (all []string) {
	s.Helper()
	holders := []map[string]any{o.Object}
	if hooks, found, _ := unstructured.NestedSlice(o.Object, "webhooks"); found {
		holders = nil
		for _, h := range hooks {
			holders = append(holders, h.(map[string]any))
		}
	}
	for _, h := range holders {
		text, _, err := unstructured.NestedString(h, g.path...)
		s.Must(err)
		pem, err := base64.StdEncoding.DecodeString(text)
		s.Must(err)
		all = append(all, string(pem))
	}
	return all
}

// await waits until all bundles of an object are wanted.
func (g target) await(s *suite.Space, name, want string) *unstructured.Unstructured {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	for {
		o := g.get(s, name)
		wrong := ""
		for _, b := range g.bundles(s, o) {
			if b != want {
				wrong = b
			}
		}
		if wrong == "" && len(g.bundles(s, o)) > 0 && g.bundles(s, o)[0] == want {
			return o
		}
		select {
		case <-ctx.Done():
			s.Fatalf("the bundle of %s is\n%s\nwant\n%s", name, wrong, want)
		case <-time.After(50 * time.Millisecond): // a dynamic watch for each of four kinds would not be worth it
		}
	}
}
