package status

import (
	"context"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/pager"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/verdict"
)

// All reads all Certificates of a namespace, or of all with "", with four list
// calls however many there are: no Secrets and no events. It fails if the
// Certificates cannot be read; requests that may not be leave RequestUnread,
// and an issuer verdict.IssuerUnread.
func (r Reader) All(ctx context.Context, namespace string) ([]Observed, error) {
	var all []Observed
	err := eachPage(ctx, r.Certs.Certificates(namespace).List, func(crt *cmapi.Certificate) {
		all = append(all, Observed{Certificate: crt})
	})
	if err != nil || len(all) == 0 {
		return all, err
	}
	requests, err := listRequests(ctx, r.Certs, namespace)
	unread := apierrors.IsForbidden(err)
	if err != nil && !unread {
		return nil, err
	}
	join(all, requests, unread, r.listIssuers(ctx, namespace))
	return all, nil
}

// join adds to Certificates their newest requests and their issuers.
func join(all []Observed, requests []*cmapi.CertificateRequest, unread bool, issuers issuerSet) {
	byName := map[types.NamespacedName][]*cmapi.CertificateRequest{}
	for _, cr := range requests {
		key := types.NamespacedName{Namespace: cr.Namespace, Name: cr.Annotations[cmapi.CertificateNameKey]}
		byName[key] = append(byName[key], cr)
	}
	for i := range all {
		crt := all[i].Certificate
		all[i].Request = verdict.Newest(crt, byName[types.NamespacedName{Namespace: crt.Namespace, Name: crt.Name}])
		all[i].RequestUnread = unread
		all[i].Issuer = issuers.of(crt)
	}
}

func listRequests(ctx context.Context, c cmclient.CertmanagerV1Interface, namespace string) ([]*cmapi.CertificateRequest, error) {
	var all []*cmapi.CertificateRequest
	err := eachPage(ctx, c.CertificateRequests(namespace).List, func(cr *cmapi.CertificateRequest) { all = append(all, cr) })
	return all, err
}

// eachPage lists in pages, so that a large cluster is no single answer.
func eachPage[L runtime.Object, T any](ctx context.Context, list func(context.Context, metav1.ListOptions) (L, error), each func(*T)) error {
	p := pager.New(func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) { return list(ctx, opts) })
	return p.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		if item, ok := any(o).(*T); ok {
			each(item)
		}
		return nil
	})
}

// issuerSet is all issuers that could be read.
type issuerSet struct {
	byKey  map[issuerKey]cmapi.GenericIssuer
	unread map[string]bool // kinds that could not be listed
}

type issuerKey struct{ kind, namespace, name string }

func (r Reader) listIssuers(ctx context.Context, namespace string) issuerSet {
	s := issuerSet{byKey: map[issuerKey]cmapi.GenericIssuer{}, unread: map[string]bool{}}
	s.unread[cmapi.IssuerKind] = nil != eachPage(ctx, r.Certs.Issuers(namespace).List, func(i *cmapi.Issuer) {
		s.byKey[issuerKey{cmapi.IssuerKind, i.Namespace, i.Name}] = i
	})
	// Who may only see one namespace may usually not list these.
	s.unread[cmapi.ClusterIssuerKind] = nil != eachPage(ctx, r.Certs.ClusterIssuers().List, func(i *cmapi.ClusterIssuer) {
		s.byKey[issuerKey{cmapi.ClusterIssuerKind, "", i.Name}] = i
	})
	return s
}

func (s issuerSet) of(crt *cmapi.Certificate) Issuer {
	ref := api.IssuerRef(crt.Spec.IssuerRef)
	key := issuerKey{ref.Kind, crt.Namespace, ref.Name}
	if ref.Kind == cmapi.ClusterIssuerKind {
		key.namespace = ""
	}
	issuer := verdict.NewIssuer(crt, s.byKey[key])
	if issuer.State == verdict.IssuerMissing && s.unread[ref.Kind] {
		issuer.State = verdict.IssuerUnread
	}
	return issuer
}
