package commands

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/daemon/config/nearest"
	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"
)

// revocationReasons are the reasons of RFC 5280, section 5.3.1, that the holder
// of a certificate may give to an ACME server (RFC 8555, section 7.6). The
// others are a CA's to give, and certificateHold is none that web CAs take.
var revocationReasons = map[string]int{
	"unspecified": 0, "keyCompromise": 1, "affiliationChanged": 3, "superseded": 4, "cessationOfOperation": 5,
}

// revocation is what is to be revoked, and how.
type revocation struct {
	certificate, secret string
	reason              string
	yes                 bool
}

func (r revocation) check() error {
	switch {
	case r.certificate == "" && r.secret == "":
		return usagef("nothing to revoke; give the name of a Certificate, or --secret NAME")
	case r.certificate != "" && r.secret != "":
		return usagef("the name of a Certificate and --secret exclude each other; give one of them")
	}
	if _, known := revocationReasons[r.reason]; !known {
		all := slices.Sorted(maps.Keys(revocationReasons))
		return usagef("--reason %q is not a reason that an ACME server takes%s; write one of %s", r.reason, nearest.Hint(r.reason, all), strings.Join(all, ", "))
	}
	return nil
}

func (p *program) revokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke (NAME | --secret SECRET)",
		Short: "Have the CA revoke a certificate",
		Long: `Have the CA of an ACME issuer revoke the certificate that is in the Secret of a
Certificate, or in a Secret that was issued for one. It cannot be undone, and
what serves the certificate goes on serving it: have a new one issued first, or
right afterwards, with "certwright renew". When the private key has become known
to others, say --reason keyCompromise, and have a new key made: a Certificate
with privateKey.rotationPolicy Never keeps it.

The command signs with the issuer's ACME account, so it needs the right to read
that issuer and its Secret.`,
		Example: `  certwright revoke web
  certwright revoke web --reason keyCompromise --yes && certwright renew web
  certwright revoke --secret web-tls-before -n shop`,
	}
	flags := clusterFlags(cmd)
	p.completeNamespaces(cmd, flags)
	cmd.ValidArgsFunction = p.completeNames(flags, certificateNames, 1)
	var r revocation
	cmd.Flags().StringVar(&r.secret, "secret", "", "the certificate in this Secret, instead of a Certificate's")
	cmd.Flags().StringVar(&r.reason, "reason", "unspecified", "why: "+strings.Join(slices.Sorted(maps.Keys(revocationReasons)), ", "))
	cmd.Flags().BoolVarP(&r.yes, "yes", "y", false, "do not ask")
	// These fail only for flags that do not exist.
	_ = cmd.RegisterFlagCompletionFunc("reason", cobra.FixedCompletions(slices.Sorted(maps.Keys(revocationReasons)), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("secret", p.completeNames(flags, tlsSecretNames, 0))
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usagef("%q is one too many: certwright revoke takes one name", args[1])
		}
		r.certificate = strings.Join(args, "")
		return r.check()
	}
	namespace := cmd.Flags().String("cluster-resource-namespace", "kube-system", "where ClusterIssuers keep their Secrets, as the daemon is told")
	cmd.RunE = p.action(func(cmd *cobra.Command, _ []string) error {
		c, err := p.connect(flags, p.streams.ErrOut)
		if err != nil {
			return err
		}
		return p.revoke(cmd.Context(), c, r, *namespace)
	})
	return cmd
}

func (p *program) revoke(ctx context.Context, c cluster, r revocation, clusterNamespace string) error {
	secret, ref, err := toRevoke(ctx, c, r)
	if err != nil {
		return err
	}
	leaf, err := leafIn(secret)
	if err != nil {
		return err
	}
	issuer, err := acmeIssuer(ctx, c, ref)
	if err != nil {
		return err
	}
	account, err := acme.NewAccounts(liveSecrets{c}, clusterNamespace).Of(ctx, issuer)
	if err != nil {
		return fmt.Errorf("%s: %w", api.DescribeIssuer(ref), err)
	}
	if !r.yes {
		if err := p.confirm(secret, leaf, ref, r.reason); err != nil {
			return err
		}
	}
	client := acme.NewClient(acme.Options{UserAgent: "certwright/" + versionInfo().Version, Transport: p.acme})
	err = client.Revoke(ctx, account, leaf.Raw, revocationReasons[r.reason])
	var refused *acme.Error
	switch {
	case errors.As(err, &refused) && refused.Type == "alreadyRevoked":
		fmt.Fprintf(p.streams.Out, "%s was revoked already\n", describeLeaf(leaf))
		return nil
	case err != nil:
		return fmt.Errorf("the ACME server has not revoked the certificate: %w", err)
	}
	fmt.Fprintf(p.streams.Out, "%s revoked\n", describeLeaf(leaf))
	return nil
}

// toRevoke finds the Secret, and the issuer that its certificate is from: what
// is in the Secret may be older than what the Certificate says now.
func toRevoke(ctx context.Context, c cluster, r revocation) (*corev1.Secret, cmmeta.IssuerReference, error) {
	name, ref := r.secret, cmmeta.IssuerReference{}
	if r.certificate != "" {
		crt, err := c.certs.CertmanagerV1().Certificates(c.namespace).Get(ctx, r.certificate, metav1.GetOptions{})
		if err != nil {
			return nil, ref, notFoundHint(ctx, c, err, r.certificate, certificateNames)
		}
		name, ref = crt.Spec.SecretName, crt.Spec.IssuerRef
	}
	secret, err := c.kube.CoreV1().Secrets(c.namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) && r.certificate != "":
		return nil, ref, fmt.Errorf("certificate %s has no certificate yet: its Secret %s does not exist", r.certificate, name)
	case err != nil:
		return nil, ref, notFoundHint(ctx, c, err, name, tlsSecretNames)
	}
	if issuer := secret.Annotations[cmapi.IssuerNameAnnotationKey]; issuer != "" {
		ref = cmmeta.IssuerReference{Name: issuer, Kind: secret.Annotations[cmapi.IssuerKindAnnotationKey], Group: secret.Annotations[cmapi.IssuerGroupAnnotationKey]}
	}
	if ref.Name == "" {
		return nil, ref, fmt.Errorf("secret %s does not say which issuer its certificate is from: it lacks the annotation %s", name, cmapi.IssuerNameAnnotationKey)
	}
	return secret, api.IssuerRef(ref), nil
}

func leafIn(secret *corev1.Secret) (*x509.Certificate, error) {
	certs, err := pki.ParseBundle(secret.Data[corev1.TLSCertKey])
	if err == nil && len(certs) == 0 {
		err = errors.New("there is none")
	}
	if err != nil {
		return nil, fmt.Errorf("secret %s: no certificate can be read in %s: %w", secret.Name, corev1.TLSCertKey, err)
	}
	return certs[0], nil
}

// acmeIssuer finds an issuer that can revoke.
func acmeIssuer(ctx context.Context, c cluster, ref cmmeta.IssuerReference) (issuer cmapi.GenericIssuer, err error) {
	switch {
	case !api.OwnGroup(ref):
		return nil, fmt.Errorf("%s is another program's issuer: only certificates of ACME issuers can be revoked here", api.DescribeIssuer(ref))
	case ref.Kind == cmapi.ClusterIssuerKind:
		issuer, err = c.certs.CertmanagerV1().ClusterIssuers().Get(ctx, ref.Name, metav1.GetOptions{})
	default:
		issuer, err = c.certs.CertmanagerV1().Issuers(c.namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	}
	if err != nil {
		return nil, err
	}
	if issuer.GetSpec().ACME == nil {
		return nil, fmt.Errorf("%s is not of type acme, and no other type can revoke: stop trusting the certificate by other means, such as a new CA", api.DescribeIssuer(ref))
	}
	return issuer, nil
}

// liveSecrets reads Secrets from the API server.
type liveSecrets struct{ c cluster }

func (s liveSecrets) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return s.c.kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
}

func describeLeaf(leaf *x509.Certificate) string {
	return fmt.Sprintf("certificate %x", leaf.SerialNumber)
}

// confirm asks whoever sits at the terminal. Where nobody answers, the answer
// is no.
func (p *program) confirm(secret *corev1.Secret, leaf *x509.Certificate, ref cmmeta.IssuerReference, reason string) error {
	fmt.Fprintf(p.streams.ErrOut, "Secret    %s/%s\nNames     %s\nSerial    %x\nIssuer    %s\nExpires   %s\nReason    %s\n",
		secret.Namespace, secret.Name, strings.Join(namesIn(leaf), ", "), leaf.SerialNumber, api.DescribeIssuer(ref),
		leaf.NotAfter.UTC().Format("2006-01-02 15:04:05 MST"), reason)
	fmt.Fprint(p.streams.ErrOut, "A revocation cannot be undone. Revoke this certificate? [y/N] ")
	answer, err := bufio.NewReader(p.streams.In).ReadString('\n')
	fmt.Fprintln(p.streams.ErrOut)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if word := strings.ToLower(strings.TrimSpace(answer)); word != "y" && word != "yes" {
		return errors.New("nothing was revoked: answer y, or give --yes")
	}
	return nil
}

func namesIn(leaf *x509.Certificate) []string {
	all := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		all = append(all, leaf.Subject.String())
	}
	return all
}
