package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
)

// fieldManager owns what the harness applies.
const fieldManager = "certwright-harness"

// ApplyDir applies every manifest under dir by server-side apply, in an order in
// which each finds what it needs, and returns the objects in that order.
// CustomResourceDefinitions are Established when it returns.
func (c *Clients) ApplyDir(ctx context.Context, dir string) ([]*unstructured.Unstructured, error) {
	objects, err := ReadManifests(dir)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	for _, object := range objects {
		if err := c.Apply(ctx, object); err != nil {
			return nil, err
		}
	}
	return objects, c.untilEstablished(ctx, objects)
}

// rank sorts what others stand on to the front.
func rank(object *unstructured.Unstructured) int {
	order := []string{"Namespace", "CustomResourceDefinition", "ServiceAccount", "ClusterRole", "Role"}
	if at := slices.Index(order, object.GetKind()); at >= 0 {
		return at
	}
	return len(order)
}

// ReadManifests reads all YAML documents under dir. Kustomizations are skipped:
// they name the files beside them.
func ReadManifests(dir string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" || entry.Name() == "kustomization.yaml" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found, err := ParseManifests(content)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		objects = append(objects, found...)
		return nil
	})
	if err == nil && len(objects) == 0 {
		err = fmt.Errorf("no manifests under %s", dir)
	}
	return objects, err
}

// ParseManifests reads the documents of one YAML text.
func ParseManifests(text []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		switch err := decoder.Decode(&object.Object); {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, err
		case len(object.Object) > 0: // a document of comments only is empty
			objects = append(objects, object)
		}
	}
}

// Apply applies one object by server-side apply. It waits for a resource that
// the API server is about to serve, for example that of a new definition.
func (c *Clients) Apply(ctx context.Context, object *unstructured.Unstructured) error {
	resource, err := c.resource(ctx, object)
	if err != nil {
		return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	options := metav1.ApplyOptions{FieldManager: fieldManager, Force: true}
	if _, err := resource.Apply(ctx, object.GetName(), object, options); err != nil {
		return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}

// resource finds where an object's kind is served. There is nothing to watch
// for discovery, so it asks again until ctx ends or some seconds have passed.
func (c *Clients) resource(ctx context.Context, object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	kind := object.GroupVersionKind()
	for {
		mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
		switch {
		case err == nil && mapping.Scope.Name() == meta.RESTScopeNameNamespace:
			return c.Dynamic.Resource(mapping.Resource).Namespace(defaulted(object.GetNamespace())), nil
		case err == nil:
			return c.Dynamic.Resource(mapping.Resource), nil
		case !meta.IsNoMatchError(err) && !apierrors.IsNotFound(err):
			return nil, err
		}
		c.mapper.Reset()
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func defaulted(namespace string) string {
	if namespace == "" {
		return metav1.NamespaceDefault
	}
	return namespace
}

// untilEstablished waits for the definitions among the objects.
func (c *Clients) untilEstablished(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, object := range objects {
		if object.GetKind() != "CustomResourceDefinition" {
			continue
		}
		resource, err := c.resource(ctx, object)
		if err != nil {
			return err
		}
		if err := untilEstablished(ctx, resource, object.GetName()); err != nil {
			return fmt.Errorf("wait until %s is served: %w", object.GetName(), err)
		}
	}
	return nil
}

func untilEstablished(ctx context.Context, resource dynamic.ResourceInterface, name string) error {
	// Without a resource version a watch begins with the object as it is.
	watcher, err := resource.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	for event := range watcher.ResultChan() {
		definition, is := event.Object.(*unstructured.Unstructured)
		if is && established(definition) {
			return nil
		}
	}
	return errors.Join(errors.New("the watch ended"), ctx.Err())
}

func established(definition *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(definition.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		condition, is := c.(map[string]any)
		return is && condition["type"] == "Established" && condition["status"] == "True"
	})
}

// Folder returns a folder of the checkout, for example Folder("deploy", "crds").
func Folder(parts ...string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("the checkout lacks %s: %w", strings.Join(parts, "/"), err)
	}
	return dir, nil
}
