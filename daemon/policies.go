package daemon

import (
	"context"

	"github.com/certwright/certwright/internal/rules"

	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// admission tells by two dry runs which of deploy/policies are at work: whether
// a bad request is refused, and whether a good one is stamped with who made it.
// Errors: the API server's, when neither can be told.
func admission(ctx context.Context, client cmclient.Interface, namespace string) (refuses, stamps bool, err error) {
	bad, good := rules.Probes(namespace)
	requests := client.CertmanagerV1().CertificateRequests(namespace)
	dryRun := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	_, err = requests.Create(ctx, bad, dryRun)
	switch {
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err):
		refuses = true
	case err != nil:
		return false, false, err
	}
	stamped, err := requests.Create(ctx, good, dryRun)
	if err != nil {
		return refuses, false, err
	}
	return refuses, stamped.Spec.Username != "", nil
}
