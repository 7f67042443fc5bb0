package api

import (
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// InjectableResource returns the resource of a kind that CA bundles are
// injected into, which is named in lower case: "apiservice".
func InjectableResource(kind string) schema.GroupVersionResource {
	return injectables[kind].resource
}

// InjectableKind returns the same kind as its API spells it.
func InjectableKind(kind string) schema.GroupVersionKind {
	i := injectables[kind]
	return i.resource.GroupVersion().WithKind(i.kind)
}

var injectables = map[string]struct {
	kind     string
	resource schema.GroupVersionResource
}{
	"mutatingwebhookconfiguration": {"MutatingWebhookConfiguration", schema.GroupVersionResource{
		Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingwebhookconfigurations"}},
	"validatingwebhookconfiguration": {"ValidatingWebhookConfiguration", schema.GroupVersionResource{
		Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}},
	"apiservice": {"APIService", schema.GroupVersionResource{
		Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}},
	"customresourcedefinition": {"CustomResourceDefinition", schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}},
}

// InjectFrom is where a CA bundle comes from.
type InjectFrom uint8

// The sources, in the order in which they take precedence.
const (
	InjectNothing InjectFrom = iota
	InjectFromSecret
	InjectFromCertificate
	InjectFromAPIServer
)

// Injection is what an object's annotations ask for.
type Injection struct {
	From InjectFrom
	// Annotation is the key of the one that counts, Value what it says.
	Annotation, Value string
	// Namespace and Name are those of the Secret or Certificate; empty when
	// the value does not name one.
	Namespace, Name string
}

// ParseInjection reads the first annotation there is, in order of precedence.
// An inject-apiserver-ca that is not "true" asks for nothing, and so does an
// empty value: a template leaves such behind where nothing was chosen.
func ParseInjection(annotations map[string]string) Injection {
	for _, source := range []struct {
		from InjectFrom
		key  string
	}{
		{InjectFromSecret, cmapi.WantInjectFromSecretAnnotation},
		{InjectFromCertificate, cmapi.WantInjectAnnotation},
	} {
		if value := annotations[source.key]; value != "" {
			i := Injection{From: source.from, Annotation: source.key, Value: value}
			i.Namespace, i.Name = namespacedName(value)
			return i
		}
	}
	if value := annotations[cmapi.WantInjectAPIServerCAAnnotation]; value == "true" {
		return Injection{From: InjectFromAPIServer, Annotation: cmapi.WantInjectAPIServerCAAnnotation, Value: value}
	}
	return Injection{}
}

// namespacedName reads NAMESPACE/NAME, and gives nothing for anything else.
func namespacedName(value string) (namespace, name string) {
	namespace, name, ok := strings.Cut(value, "/")
	if !ok || len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return "", ""
	}
	return namespace, name
}

// InjectionAnnotations are all that ParseInjection reads.
func InjectionAnnotations() []string {
	return []string{cmapi.WantInjectFromSecretAnnotation, cmapi.WantInjectAnnotation, cmapi.WantInjectAPIServerCAAnnotation}
}
