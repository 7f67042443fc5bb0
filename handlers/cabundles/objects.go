package cabundles

import (
	"context"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// fieldManager stands in the managed fields of the bundles.
const fieldManager = "certwright-ca-bundles"

// REST is Objects at an API server. There is no typed client behind it: its
// types would bring the whole of every CustomResourceDefinition into memory.
type REST struct{ Client rest.Interface }

// Get reads an object. Errors: the API server's.
func (r REST) Get(ctx context.Context, kind queue.Kind, name string) ([]byte, error) {
	return r.Client.Get().AbsPath(path(kind, name)...).
		SetHeader("Accept", "application/json").Do(ctx).Raw()
}

// Patch sends a JSON patch, and has only the metadata answered.
func (r REST) Patch(ctx context.Context, kind queue.Kind, name string, patch []byte) ([]byte, error) {
	return r.Client.Patch(types.JSONPatchType).AbsPath(path(kind, name)...).
		SetHeader("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json").
		Param("fieldManager", fieldManager).Body(patch).Do(ctx).Raw()
}

func path(kind queue.Kind, name string) []string {
	r := api.InjectableResource(kind.String())
	return []string{"apis", r.Group, r.Version, r.Resource, name}
}
