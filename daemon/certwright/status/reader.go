package status

import (
	"context"
	"fmt"
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	acmeclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/acme/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	kubeclient "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/verdict"
)

// Reader reads from the API what the other functions judge.
type Reader struct {
	Certs cmclient.CertmanagerV1Interface
	Core  kubeclient.CoreV1Interface
	// ACME reads Orders and Challenges; nil: they are not looked at.
	ACME acmeclient.AcmeV1Interface
	// External reads an object of any kind, which is namespaced or not; nil:
	// issuers of other groups are not read. Errors: NotFound, or the API server's.
	External func(ctx context.Context, kind schema.GroupKind, namespace, name string) (*unstructured.Unstructured, error)
}

// One reads everything about one Certificate. It fails if the Certificate
// cannot be read; what else cannot is told in Observed.Unread.
func (r Reader) One(ctx context.Context, namespace, name string) (Observed, error) {
	crt, err := r.Certs.Certificates(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return Observed{}, err
	}
	o := Observed{Certificate: crt}
	r.readRequest(ctx, &o)
	r.readOrder(ctx, &o)
	r.readIssuer(ctx, &o)
	r.readSecret(ctx, &o)
	r.readEvents(ctx, &o)
	return o, nil
}

// noted notes a part that could not be read, and reports whether it could.
func noted(o *Observed, err error, what string) bool {
	if err != nil {
		o.Unread = append(o.Unread, fmt.Sprintf("%s: %v", what, err))
	}
	return err == nil
}

func (r Reader) readRequest(ctx context.Context, o *Observed) {
	requests, err := listRequests(ctx, r.Certs, o.Certificate.Namespace)
	if noted(o, err, "CertificateRequests") {
		o.Request = verdict.Newest(o.Certificate, requests)
	}
	o.RequestUnread = err != nil
}

func (r Reader) readIssuer(ctx context.Context, o *Observed) {
	ref := api.IssuerRef(o.Certificate.Spec.IssuerRef)
	o.Issuer = verdict.NewIssuer(o.Certificate, nil)
	if o.Issuer.State == verdict.IssuerExternal && r.External != nil {
		r.readExternal(ctx, o)
	}
	if o.Issuer.State != verdict.IssuerMissing {
		return
	}
	var found cmapi.GenericIssuer
	var err error
	if ref.Kind == cmapi.ClusterIssuerKind {
		found, err = r.Certs.ClusterIssuers().Get(ctx, ref.Name, metav1.GetOptions{})
	} else {
		found, err = r.Certs.Issuers(o.Certificate.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	}
	switch {
	case err == nil:
		o.Issuer = verdict.NewIssuer(o.Certificate, found)
	case !apierrors.IsNotFound(err):
		o.Issuer.State = verdict.IssuerUnread
		noted(o, err, o.Issuer.String())
	}
}

func (r Reader) readSecret(ctx context.Context, o *Observed) {
	name := o.Certificate.Spec.SecretName
	if name == "" {
		return
	}
	secret, err := r.Core.Secrets(o.Certificate.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return
	}
	if noted(o, err, "Secret "+name) {
		o.Secret = secret
	}
}

func (r Reader) readEvents(ctx context.Context, o *Observed) {
	about := []types.UID{o.Certificate.UID}
	if o.Request != nil {
		about = append(about, o.Request.UID)
	}
	for _, uid := range about {
		// The server filters; the second look is for servers that do not.
		list, err := r.Core.Events(o.Certificate.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.uid=" + string(uid)})
		if !noted(o, err, "Events") {
			return
		}
		for _, e := range list.Items {
			if e.InvolvedObject.UID == uid {
				o.Events = append(o.Events, e)
			}
		}
	}
	slices.SortStableFunc(o.Events, func(a, b corev1.Event) int { return seen(a).Compare(seen(b)) })
}
