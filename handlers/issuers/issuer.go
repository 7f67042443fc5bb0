package issuers

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Type is the kind of authority an issuer stands for.
type Type string

// The issuer types of the API contract, section 1.3, named as their spec field.
const (
	SelfSigned Type = "selfSigned"
	CA         Type = "ca"
	Vault      Type = "vault"
	Venafi     Type = "venafi"
	ACME       Type = "acme"
)

// TypeOf tells which type an issuer's spec configures. It fails unless there
// is exactly one.
func TypeOf(spec *cmapi.IssuerSpec) (Type, error) {
	var found []string
	for _, t := range []struct {
		set  bool
		name Type
	}{
		{spec.ACME != nil, ACME}, {spec.CA != nil, CA}, {spec.SelfSigned != nil, SelfSigned},
		{spec.Vault != nil, Vault}, {spec.Venafi != nil, Venafi},
	} {
		if t.set {
			found = append(found, string(t.name))
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("spec: no issuer type is configured: set one of spec.acme, spec.ca, spec.selfSigned, spec.vault or spec.venafi")
	case 1:
		return Type(found[0]), nil
	default:
		return "", fmt.Errorf("spec: several issuer types are configured (%s): keep one", strings.Join(found, ", "))
	}
}

// Issuer is what a backend is told of an Issuer or ClusterIssuer.
type Issuer struct {
	Kind string // Issuer or ClusterIssuer
	Name string
	// Namespace is where the issuer's Secrets are: its own, or the one for
	// cluster resources.
	Namespace string
	Spec      *cmapi.IssuerSpec
	// Status is what is stored; shared: copy it before changing it.
	Status *cmapi.IssuerStatus
	// Object is the issuer itself, for events.
	Object cmapi.GenericIssuer
}

// Of describes an issuer to a backend. clusterNamespace is where ClusterIssuers
// find their Secrets.
func Of(i cmapi.GenericIssuer, clusterNamespace string) Issuer {
	kind, namespace := cmapi.IssuerKind, i.GetNamespace()
	if namespace == "" {
		kind, namespace = cmapi.ClusterIssuerKind, clusterNamespace
	}
	return Issuer{Kind: kind, Name: i.GetName(), Namespace: namespace, Spec: i.GetSpec(), Status: i.GetStatus(), Object: i}
}

// Readiness is what an issuer's Ready condition is to say.
type Readiness struct {
	Ready   bool
	Reason  string // a reason of the API contract, section 1.3
	Message string // stable: the same state gives the same text
	// Recheck is after how long this may change without any event, such as a
	// CA that ends. 0: never.
	Recheck time.Duration
	// ACME is what status.acme is to hold; nil leaves it as it is.
	ACME *cmacme.ACMEIssuerStatus
	// Event is the reason of the event that tells of a change; empty: Reason.
	Event string
	// Err is a fault that may pass: the readiness is stored, and then the
	// issuer is looked at again with back-off.
	Err error
}

// Request is what a backend is to sign, once. Two kinds of object ask for it:
// CertificateRequests, and Kubernetes CertificateSigningRequests.
type Request struct {
	Issuer Issuer
	// Name is that of the object that asks.
	Name string
	// Namespace is where the Secrets are that the object names.
	Namespace string
	// Annotations are the object's. Read them by [Request.Annotation].
	Annotations map[string]string
	// Experimental is true for a CertificateSigningRequest, whose annotations
	// have names of their own.
	Experimental bool
	// CSR is the request in PEM.
	CSR []byte
	// Template is the certificate asked for, already checked against the CSR.
	Template *x509.Certificate

	// Owner refers to the object that asks, as its controller, for what a
	// backend makes on its behalf and in its name.
	Owner metav1.OwnerReference
	// Labels are the object's.
	Labels map[string]string
	// IssuerRef names the issuer as the object does.
	IssuerRef cmmeta.IssuerReference
	// Duration is what the object asks for; nil when it does not.
	Duration *metav1.Duration
	// Replaces is the CertID (RFC 9773, section 4.1) of the certificate that
	// this one is to replace; empty when none is.
	Replaces string
}

// Annotation reads the annotation that has the given name on a
// CertificateRequest, and tells its name on the object that asks: on a
// CertificateSigningRequest it is experimental.cert-manager.io/... where it is
// cert-manager.io/... on the other (contract 1.5).
func (r Request) Annotation(name string) (value, known string) {
	if r.Experimental {
		name = strings.Replace(name, "cert-manager.io/", "experimental.cert-manager.io/", 1)
	}
	return r.Annotations[name], name
}

// Outcome is what came of a Request.
type Outcome struct {
	// Pending, when not empty, says in words what is waited for. The caches
	// bring the request back when that changes.
	Pending string
	// Reason names the cause of Pending for events.
	Reason string
	// After is when a wait may have ended without any event. 0: never.
	After time.Duration
	// Annotate is what is to be noted on the object that asks, such as the name
	// of the request at a server that takes its time. It is stored before
	// anything else is done; its event brings the request back.
	Annotate map[string]string

	Chain []byte // PEM, leaf first, no root
	CA    []byte // PEM; empty when unknown
}

// Backend is one issuer type.
type Backend interface {
	// Check tells whether the issuer can sign. An error means that this could
	// not be found out, and is tried again.
	Check(ctx context.Context, i Issuer) (Readiness, error)
	Signer
}

// Signer signs requests.
type Signer interface {
	// Sign signs r or tells what it waits for. Errors: a [Refusal] when the
	// request is refused for good, any other when trying again may help.
	Sign(ctx context.Context, r Request) (Outcome, error)
}

// Revoker is a Backend that can revoke what it has issued.
type Revoker interface {
	// Revoke revokes the certificate that leafPEM begins with, for a reason of
	// RFC 5280, section 5.3.1. One that is revoked already is no error. Errors:
	// a [Refusal] when it is refused for good, any other when trying again may help.
	Revoke(ctx context.Context, i Issuer, leafPEM []byte, reason int) error
}

// Refusal ends a request: signing it again would be refused again.
type Refusal struct {
	Reason  string // the API contract's, section 1.3
	Message string // names field, fault and remedy
}

func (r *Refusal) Error() string { return r.Message }

// Refuse makes a Refusal.
func Refuse(reason, format string, args ...any) error {
	return &Refusal{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Wait makes an Outcome that waits for something the caches will tell of.
func Wait(reason, format string, args ...any) Outcome {
	return Outcome{Reason: reason, Pending: fmt.Sprintf(format, args...)}
}

// Secrets is how backends read Secrets. Errors: NotFound, or the API server's.
type Secrets interface {
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
}
