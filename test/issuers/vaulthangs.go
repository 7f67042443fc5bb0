package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/test/harness"
)

// hanging is how many certificates are asked of a Vault that hangs: more than
// the daemon has workers for requests.
const hanging = 40

// vaultHangs stops the process of Vault, as a machine does that swaps, with
// requests under way; certificates of a CA in the cluster must not notice.
func vaultHangs(ctx context.Context, p *proof) (said string, err error) {
	namespace, err := p.byNewToken(ctx, "1h")
	if err != nil {
		return "", err
	}
	if err := p.says(ctx, namespace, "vault", true); err != nil {
		return "", err
	}
	local, err := p.caIssuer(ctx)
	if err != nil {
		return "", err
	}
	before, err := p.vault.signed(ctx)
	if err != nil {
		return "", err
	}
	pid := p.vault.process.PID()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return "", err
	}
	took, err := p.besideAHangingVault(ctx, namespace, local)
	if err := errors.Join(err, syscall.Kill(pid, syscall.SIGCONT)); err != nil {
		return "", err
	}
	waiting, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	if _, err := p.Clients.Certificates().UntilAll(waiting, namespace, harness.AllReady(hanging)); err != nil {
		return "", err
	}
	if err := p.noneFailed(ctx, namespace, hanging); err != nil {
		return "", err
	}
	after, err := p.vault.signed(ctx)
	if err != nil {
		return "", err
	}
	if extra := after - before - hanging; extra != 0 {
		p.doubles += max(extra, -extra)
		return "", fmt.Errorf("%d certificates were signed by Vault for %d requests", after-before, hanging)
	}
	return fmt.Sprintf("10 certificates of a CA in %s while %d waited for Vault; none of those failed or was signed twice", took.Round(100*time.Millisecond), hanging), nil
}

// caIssuer is a ready CA issuer in a namespace of its own.
func (p *proof) caIssuer(ctx context.Context) (namespace string, err error) {
	if namespace, err = p.space(ctx); err != nil {
		return "", err
	}
	ca, err := harness.NewRoot("Local CA")
	if err != nil {
		return "", err
	}
	key, err := ca.KeyPEM()
	if err != nil {
		return "", err
	}
	if err := p.secret(ctx, namespace, "ca", map[string]string{"tls.crt": string(ca.PEM()), "tls.key": string(key)}); err != nil {
		return "", err
	}
	if err := p.issuer(ctx, namespace, "ca", cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "ca"}}); err != nil {
		return "", err
	}
	return namespace, p.says(ctx, namespace, "ca", true)
}

func (p *proof) besideAHangingVault(ctx context.Context, slow, local string) (time.Duration, error) {
	if err := p.many(ctx, slow, hanging); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := p.Clients.Requests().UntilAll(ctx, slow, func(all []*cmapi.CertificateRequest) bool { return len(all) == hanging }); err != nil {
		return 0, err
	}
	began := time.Now()
	for i := range 10 {
		name := fmt.Sprintf("local-%d", i)
		if err := p.certificate(ctx, local, name, name+".example.com", issuerRef("ca")); err != nil {
			return 0, err
		}
	}
	_, err := p.Clients.Certificates().UntilAll(ctx, local, harness.AllReady(10))
	if took := time.Since(began); err == nil && took > 10*time.Second {
		return took, fmt.Errorf("ten certificates of a CA took %s", took)
	}
	return time.Since(began), err
}
