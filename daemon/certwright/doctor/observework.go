package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// stuck finds what is being deleted and held.
func (s Source) stuck(ctx context.Context, f *Facts) error {
	challenges, err := s.Certs.AcmeV1().Challenges(s.scope()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	orders, err := s.Certs.AcmeV1().Orders(s.scope()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range challenges.Items {
		f.addStuck("Challenge", &challenges.Items[i].ObjectMeta)
	}
	for i := range orders.Items {
		f.addStuck("Order", &orders.Items[i].ObjectMeta)
	}
	return nil
}

func (f *Facts) addStuck(kind string, m *metav1.ObjectMeta) {
	if m.DeletionTimestamp != nil {
		f.Stuck = append(f.Stuck, Stuck{Kind: kind, Namespace: m.Namespace, Name: m.Name, Since: m.DeletionTimestamp.Time, Finalizers: m.Finalizers})
	}
}

// scope is the one namespace that the daemon is confined to, or all of them.
func (s Source) scope() string {
	if len(s.Options.Namespaces) == 1 {
		return s.Options.Namespaces[0]
	}
	return metav1.NamespaceAll
}

// secrets looks at those of Certificates and of CA issuers, one by one: to read
// all Secrets of a cluster is nobody's right.
func (s Source) secrets(ctx context.Context, f *Facts) error {
	certificates, err := s.Certs.CertmanagerV1().Certificates(s.scope()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range certificates.Items {
		crt := &certificates.Items[i]
		if err := s.secret(ctx, f, crt.Namespace, crt.Spec.SecretName, "Certificate "+crt.Name, false); err != nil {
			return err
		}
	}
	issuers, err := s.listIssuers(ctx)
	if err != nil {
		return err
	}
	for _, i := range issuers {
		if ca := i.GetSpec().CA; ca != nil {
			if err := s.secret(ctx, f, s.secretNamespace(i), ca.SecretName, kindOf(i)+" "+i.GetName(), true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s Source) secret(ctx context.Context, f *Facts, namespace, name, of string, ca bool) error {
	secret, err := s.Kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && !ca {
		return nil // it is not issued yet, which its status tells
	}
	found := Secret{Namespace: namespace, Name: name, Of: of}
	switch {
	case apierrors.IsNotFound(err):
		found.Fault, found.Harmful = "it does not exist", true
	case err != nil:
		return err
	default:
		found.Fault, found.Harmful = fault(secret, ca, s.Now())
	}
	if found.Fault != "" {
		f.Secrets = append(f.Secrets, found)
	}
	return nil
}

// fault is what is wrong with a key and its certificate; nothing of either is in it.
func fault(secret *corev1.Secret, ca bool, now time.Time) (text string, harmful bool) {
	chain, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	switch {
	case len(chain) == 0 && len(key) == 0 && !ca:
		return "", false // it waits for its first certificate
	case len(chain) == 0:
		return "tls.crt is empty", true
	case len(key) == 0:
		return "tls.key is empty", true
	}
	if _, err := tls.X509KeyPair(chain, key); err != nil {
		return "tls.key and tls.crt are no pair", true
	}
	block, _ := pem.Decode(bytes.TrimSpace(chain))
	cert, err := x509.ParseCertificate(block.Bytes) // X509KeyPair has parsed it
	switch {
	case err != nil:
		return "tls.crt holds no certificate", true
	case now.After(cert.NotAfter):
		return "its certificate has expired at " + cert.NotAfter.UTC().Format(time.RFC3339), true
	case now.Before(cert.NotBefore):
		return "its certificate begins in the future, at " + cert.NotBefore.UTC().Format(time.RFC3339), true
	case ca && !cert.IsCA:
		return "its certificate is none of a CA", true
	case !ca && secret.Type != corev1.SecretTypeTLS:
		return fmt.Sprintf("its type is %s, which some ingress controllers do not take", secret.Type), false
	}
	return "", false
}

func (s Source) listIssuers(ctx context.Context) (all []cmapi.GenericIssuer, err error) {
	issuers, err := s.Certs.CertmanagerV1().Issuers(s.scope()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range issuers.Items {
		all = append(all, &issuers.Items[i])
	}
	cluster, err := s.Certs.CertmanagerV1().ClusterIssuers().List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) && len(s.Options.Namespaces) > 0 {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	for i := range cluster.Items {
		all = append(all, &cluster.Items[i])
	}
	return all, nil
}

func kindOf(i cmapi.GenericIssuer) string {
	if i.GetNamespace() == "" {
		return cmapi.ClusterIssuerKind
	}
	return cmapi.IssuerKind
}

// secretNamespace is where the Secrets of an issuer are.
func (s Source) secretNamespace(i cmapi.GenericIssuer) string {
	if i.GetNamespace() == "" {
		return s.Options.ClusterResourceNamespace
	}
	return i.GetNamespace()
}

// readiness is what an issuer's status says.
func readiness(i cmapi.GenericIssuer) (ready bool, message string) {
	for _, c := range i.GetStatus().Conditions {
		if c.Type == cmapi.IssuerConditionReady {
			return c.Status == cmmeta.ConditionTrue, c.Message
		}
	}
	return false, ""
}
