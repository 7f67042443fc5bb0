package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	cluster "github.com/certwright/certwright/test/cluster/programs"
	"github.com/certwright/certwright/test/harness"
)

// programs are the paths of what is proved against.
type programs struct{ vault, awspca, venafi string }

// buildPrograms builds what the user's cache lacks.
func buildPrograms(ctx context.Context, log io.Writer) (p programs, err error) {
	if p.vault, err = program(ctx, log, "vault", "vaultserver", cluster.Program{
		Name: "vault", Package: ".", Cold: 13 * time.Minute,
	}); err != nil {
		return p, err
	}
	if p.awspca, err = program(ctx, log, "awspca", "", cluster.Program{
		Name: "aws-privateca-issuer", Package: "github.com/cert-manager/aws-privateca-issuer", Cold: 4 * time.Minute,
	}); err != nil {
		return p, err
	}
	p.venafi, err = venafiProgram(ctx)
	return p, err
}

func program(ctx context.Context, log io.Writer, module, tag string, wanted cluster.Program) (string, error) {
	pins, err := harness.Folder("test", "programs", module)
	if err != nil {
		return "", err
	}
	dir, err := cluster.Module{Name: module, Dir: pins, Tag: tag}.Ensure(ctx, log, wanted)
	if err != nil {
		return "", fmt.Errorf("provide %s: %w", module, err)
	}
	return filepath.Join(dir, wanted.Name), nil
}

// venafiProgram builds the stand-in, which is of this checkout, each time.
func venafiProgram(ctx context.Context) (string, error) {
	root, err := harness.Root()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	out := filepath.Join(cache, "certwright", "venafi-standin")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", out,
		"./handlers/issuers/venafi/venafitest/standin")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the stand-in for Venafi: %w\n%s", err, said)
	}
	return out, nil
}

// awspcaCRDs is the folder of the definitions that aws-privateca-issuer comes with.
func awspcaCRDs(ctx context.Context) (string, error) {
	pins, err := harness.Folder("test", "programs", "awspca")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/cert-manager/aws-privateca-issuer")
	cmd.Dir, cmd.Env = pins, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	dir, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find aws-privateca-issuer's source: %w", err)
	}
	return filepath.Join(string(dir[:len(dir)-1]), "config", "crd", "bases"), nil
}

// parse reads all certificates of a PEM text.
func parse(text []byte) (certs []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return certs, nil
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, cert)
	}
}

// serverFiles writes a certificate for 127.0.0.1 and its key, and names the files.
func (p *proof) serverFiles(name string) (cert, key string, err error) {
	server, err := p.root.Server()
	if err != nil {
		return "", "", err
	}
	pair, err := server.KeyPEM()
	if err != nil {
		return "", "", err
	}
	cert, key = filepath.Join(p.Dir, name+".crt"), filepath.Join(p.Dir, name+".key")
	if err := os.WriteFile(cert, server.PEM(), 0o600); err != nil {
		return "", "", err
	}
	return cert, key, os.WriteFile(key, pair, 0o600)
}
