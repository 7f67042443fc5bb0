// Command issuers proves each issuer type that has a server sign, against its
// real counterpart or a stand-in that is called one, on a fresh local control
// plane, under the rights of deploy/rbac:
//
//	Vault                 a real Vault core: every way to log in, restarted and sealed under load
//	Venafi                a stand-in (handlers/issuers/venafi/venafitest)
//	external issuers      aws-privateca-issuer, unchanged, with a stand-in for AWS;
//	                      and one of our own that does all that it should not
//
// It prints a line for each, and in the end
//
//	issuer-types N passed N failed 0 double-signed 0
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/certwright/certwright/test/harness"
)

func main() {
	only := flag.String("only", "", "only the rows whose names have this in them")
	n := flag.Int("n", 200, "how many certificates Vault is restarted under")
	build := flag.Bool("build", false, "only build the programs of others")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := prove(ctx, *only, *n, *build); err != nil {
		fmt.Fprintln(os.Stderr, "The proof failed:", err)
		os.Exit(1)
	}
}

// bound ends a proof that hangs: it takes some three minutes, and building the
// programs of others some twenty.
const bound = 50 * time.Minute

func prove(ctx context.Context, only string, n int, buildOnly bool) (err error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	progress := harness.NewProgress(os.Stdout)
	programs, err := buildPrograms(ctx, progress)
	if err != nil || buildOnly {
		return err
	}
	p, err := open(ctx, progress, programs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	p.certificates = n
	for _, r := range rows() {
		if strings.Contains(r.name, only) {
			p.run(ctx, r)
		}
	}
	if only == "" {
		p.run(ctx, row{"no credential in any text", noLeaks})
	}
	return p.verdict()
}

// row is one thing that is proved.
type row struct {
	name  string
	prove func(ctx context.Context, p *proof) (said string, err error)
}

func rows() []row {
	return []row{
		{"vault token", vaultToken},
		{"vault appRole", vaultAppRole},
		{"vault clientCertificate", vaultClientCertificate},
		{"vault kubernetes secretRef", vaultKubernetesSecret},
		{"vault kubernetes serviceAccountRef", vaultKubernetesAccount},
		{"vault kubernetes ClusterIssuer", vaultKubernetesCluster},
		{"vault aws (STS is a stand-in)", vaultAWS},
		{"vault chain without a root", vaultNoRoot},
		{"vault bad input", vaultBadInput},
		{"vault token that expires", vaultExpiry},
		{"vault restarted and sealed under load", vaultOutage},
		{"vault that hangs does not hold up a CA", vaultHangs},
		{"venafi TPP stand-in, access token", venafiToken},
		{"venafi TPP stand-in, user and password", venafiPassword},
		{"venafi Cloud stand-in", venafiCloud},
		{"venafi NGTS stand-in", venafiNGTS},
		{"venafi bad input", venafiBadInput},
		{"external aws-privateca-issuer (AWS is a stand-in)", awsPrivateCA},
		{"external issuer that does what it should not", oddIssuer},
	}
}
