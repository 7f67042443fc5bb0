package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/daemon/connection"
	"github.com/certwright/certwright/internal/acme"
)

// applyCRDs is the remedy for a cluster that does not know our API.
const applyCRDs = "install its CustomResourceDefinitions: kubectl apply -k deploy/crds"

// explain adds to an error what its reader can do about it. It is applied
// once, where errors are printed.
func explain(err error) error {
	if remedy := remedyFor(err); remedy != "" {
		return fmt.Errorf("%w\n%s", err, remedy)
	}
	return err
}

func remedyFor(err error) string {
	var server *acme.Error
	switch {
	case isUsage(err), errors.As(err, &server): // an ACME server's fault says itself what to do
		return ""
	case lacksAPI(err):
		return "The cluster does not serve the API of cert-manager.io; " + applyCRDs
	case apierrors.IsUnauthorized(err):
		return "The API server does not accept your credentials: log in again, or choose others with --context or --kubeconfig."
	case apierrors.IsForbidden(err):
		return "Ask for that right, or act as somebody who has it (--as, --context); `kubectl auth can-i --list` tells what you may do."
	case errors.Is(err, context.Canceled):
		return ""
	}
	return sentence(connection.Remedy(err))
}

// sentence makes one of a phrase.
func sentence(phrase string) string {
	if phrase == "" {
		return ""
	}
	return strings.ToUpper(phrase[:1]) + phrase[1:] + "."
}

// lacksAPI tells a missing API from a missing object: for the former the API
// server has no handler, and answers with a plain page.
func lacksAPI(err error) bool {
	return meta.IsNoMatchError(err) ||
		apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}
