package cabundles

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	caKey           = cmmeta.TLSCAKey
	allowAnnotation = cmapi.AllowsInjectionFromSecretAnnotation
	ownerAnnotation = cmapi.CertificateNameKey
)

// source reads the CA that is asked for. Errors: the API server did not
// answer; what is wrong with the source itself is the Tell.
func (h *Handler) source(ctx context.Context, i api.Injection) ([]*x509.Certificate, *Tell, error) {
	switch {
	case i.From == api.InjectFromAPIServer:
		certs, fault := h.ownCA(i)
		return certs, fault, nil
	case i.Name == "":
		return nil, &Tell{Reason: reasonMalformed, Message: fmt.Sprintf(
			"%s: %.80q is not the name of a %s: write NAMESPACE/NAME", field(i), i.Value, noun(i))}, nil
	case i.From == api.InjectFromSecret:
		return h.fromSecret(ctx, i)
	default:
		return h.fromCertificate(ctx, i)
	}
}

func noun(i api.Injection) string {
	if i.From == api.InjectFromSecret {
		return "Secret"
	}
	return "Certificate"
}

// fromSecret reads a Secret only where its owner permits that: whoever may
// annotate a webhook could otherwise have any Secret's content published.
func (h *Handler) fromSecret(ctx context.Context, i api.Injection) ([]*x509.Certificate, *Tell, error) {
	s, err := h.Cache.Secret(ctx, i.Namespace, i.Name)
	switch {
	case apierrors.IsNotFound(err):
		return nil, early(reasonNotFound, "%s: Secret %s does not exist: create it, or name another", field(i), i.Value), nil
	case err != nil:
		return nil, nil, fmt.Errorf("read Secret %s: %w", i.Value, err)
	case s.Annotations[allowAnnotation] != "true":
		return nil, &Tell{Reason: reasonForbidden, Message: fmt.Sprintf(
			`%s: Secret %s does not permit it: annotate the Secret with %s: "true"`, field(i), i.Value, allowAnnotation)}, nil
	}
	certs, fault := caOf(i, s)
	return certs, fault, nil
}

func (h *Handler) fromCertificate(ctx context.Context, i api.Injection) ([]*x509.Certificate, *Tell, error) {
	crt := h.Cache.Certificate(i.Namespace, i.Name)
	if crt == nil {
		return nil, early(reasonNotFound, "%s: Certificate %s does not exist: create it, or name another", field(i), i.Value), nil
	}
	s, err := h.Cache.Secret(ctx, crt.Namespace, crt.Spec.SecretName)
	switch {
	case apierrors.IsNotFound(err):
		return nil, early(reasonNotFound, "%s: Secret %s/%s of Certificate %s does not exist yet: see why the Certificate is not ready (certwright status)",
			field(i), crt.Namespace, crt.Spec.SecretName, i.Value), nil
	case err != nil:
		return nil, nil, fmt.Errorf("read Secret %s/%s: %w", crt.Namespace, crt.Spec.SecretName, err)
	case s.Annotations[ownerAnnotation] != crt.Name:
		return nil, early(reasonForbidden, "%s: Secret %s/%s was not made for Certificate %s (its annotation %s says otherwise): wait for the Certificate, or give it a Secret of its own",
			field(i), s.Namespace, s.Name, i.Value, ownerAnnotation), nil
	}
	certs, fault := caOf(i, s)
	return certs, fault, nil
}

func caOf(i api.Injection, s *corev1.Secret) ([]*x509.Certificate, *Tell) {
	if len(s.Data[caKey]) == 0 {
		return nil, early(reasonNoCA, "%s: Secret %s/%s has no %s: use an issuer that tells its CA, or put the CA there",
			field(i), s.Namespace, s.Name, caKey)
	}
	certs, err := pki.ParseBundle(s.Data[caKey])
	if err != nil {
		return nil, &Tell{Reason: reasonNoCA, Message: fmt.Sprintf(
			"%s: %s of Secret %s/%s: %v: put PEM certificates there", field(i), caKey, s.Namespace, s.Name, err)}
	}
	return certs, nil
}

// ownCA is the CA by which our connection knows the API server.
func (h *Handler) ownCA(i api.Injection) ([]*x509.Certificate, *Tell) {
	data, err := h.APIServerCA()
	if err == nil && len(data) == 0 {
		return nil, &Tell{Reason: reasonNoCA, Message: field(i) +
			": certwright's connection to the API server names no CA of its own: put it into the kubeconfig (certificate-authority-data)"}
	}
	if err != nil {
		return nil, &Tell{Reason: reasonNoCA, Message: fmt.Sprintf("%s: the API server's CA cannot be read: %v", field(i), err)}
	}
	certs, err := pki.ParseBundle(data)
	if err != nil {
		return nil, &Tell{Reason: reasonNoCA, Message: fmt.Sprintf("%s: the API server's CA: %v", field(i), err)}
	}
	return certs, nil
}

func early(reason, format string, args ...any) *Tell {
	return &Tell{Reason: reason, Message: fmt.Sprintf(format, args...), Early: true}
}
