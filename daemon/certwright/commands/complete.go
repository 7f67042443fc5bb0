package commands

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/certwright/certwright/daemon/config/nearest"
)

// namer lists the names that could stand for a NAME argument.
type namer func(ctx context.Context, c cluster) ([]string, error)

func certificateNames(ctx context.Context, c cluster) ([]string, error) {
	list, err := c.certs.CertmanagerV1().Certificates(c.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return namesOf(list.Items, func(o *cmapi.Certificate) string { return o.Name }), nil
}

func requestNames(ctx context.Context, c cluster) ([]string, error) {
	list, err := c.certs.CertmanagerV1().CertificateRequests(c.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return namesOf(list.Items, func(o *cmapi.CertificateRequest) string { return o.Name }), nil
}

func tlsSecretNames(ctx context.Context, c cluster) ([]string, error) {
	ofType := metav1.ListOptions{FieldSelector: "type=" + string(corev1.SecretTypeTLS)}
	list, err := c.kube.CoreV1().Secrets(c.namespace).List(ctx, ofType)
	if err != nil {
		return nil, err
	}
	return namesOf(list.Items, func(o *corev1.Secret) string { return o.Name }), nil
}

func namespaceNames(ctx context.Context, c cluster) ([]string, error) {
	list, err := c.kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return namesOf(list.Items, func(o *corev1.Namespace) string { return o.Name }), nil
}

func namesOf[T any](items []T, name func(*T) string) []string {
	all := make([]string, len(items))
	for i := range items {
		all[i] = name(&items[i])
	}
	return all
}

// completionPatience is how long a person waits for the tab key.
const completionPatience = 5 * time.Second

// completeNames completes up to most NAME arguments (0 is any number). Where
// the cluster does not answer there are no proposals; a completion has no
// place to complain.
func (p *program) completeNames(flags *genericclioptions.ConfigFlags, list namer, most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, err := p.connect(flags, io.Discard)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(commandContext(cmd), completionPatience)
		defer cancel()
		found, err := list(ctx, c)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		found = slices.DeleteFunc(found, func(n string) bool {
			return slices.Contains(args, n) || !strings.HasPrefix(n, prefix)
		})
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// commandContext is for completions, which cobra runs without a context.
func commandContext(cmd *cobra.Command) context.Context {
	if ctx := cmd.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

// completeNamespaces completes -n.
func (p *program) completeNamespaces(cmd *cobra.Command, flags *genericclioptions.ConfigFlags) {
	complete := p.completeNames(flags, namespaceNames, 0)
	// It fails only for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("namespace", func(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		return complete(cmd, nil, prefix)
	})
}

// notFoundHint adds to a name that does not exist the one perhaps meant, and
// the namespace that was searched, which is the other thing that may be wrong.
func notFoundHint(ctx context.Context, c cluster, err error, name string, list namer) error {
	if !apierrors.IsNotFound(err) || lacksAPI(err) {
		return err
	}
	known, listErr := list(ctx, c)
	if listErr != nil {
		return fmt.Errorf("%w%s", err, in(c.namespace))
	}
	return fmt.Errorf("%w%s%s", err, in(c.namespace), nearest.Hint(name, known))
}
