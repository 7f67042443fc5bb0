package acme

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/harness"
)

// TestProviderOfLego: a DNS provider that certwright does not have itself, in
// the process beside it. lego's provider of RFC 2136 stands for them all, since
// it is the one whose server runs here.
func TestProviderOfLego(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes of compiling lego's providers: part of make prove-dns01")
	}
	s := begin(t)
	installLego(t, filepath.Dir(world.Binary))
	s.PutSecret(parts.TSIG(s.Namespace, s.Parts.DNS.Key))
	ref := s.ACME("lego", legoSolver("rfc2136", `{
		"env": {"RFC2136_NAMESERVER": "`+s.Parts.DNS.Address+`", "RFC2136_TSIG_KEY": "`+s.Parts.DNS.Key.Name+`", "RFC2136_TSIG_ALGORITHM": "hmac-sha256."},
		"secretEnv": {"RFC2136_TSIG_SECRET": {"name": "tsig", "key": "key"}}}`))
	s.Obtain("web", ref, "*."+s.DNSName("shop"))
	s.Clean()

	wrong := s.ACME("typo", legoSolver("rfc2163", `{}`))
	s.Create("typo", wrong, site.Names(s.DNSName("typo")))
	ch := s.AwaitChallenge(func(ch *cmacme.Challenge) bool { return ch.Status.Reason != "" })
	if !strings.Contains(ch.Status.Reason, `lego has no DNS provider "rfc2163": did you mean rfc2136`) {
		t.Errorf("reason: %s", ch.Status.Reason)
	}
}

func legoSolver(provider, config string) cmacme.ACMEChallengeSolver {
	return cmacme.ACMEChallengeSolver{DNS01: &cmacme.ACMEChallengeSolverDNS01{Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{
		GroupName: "lego.certwright.dev", SolverName: provider, Config: &apiext.JSON{Raw: []byte(config)},
	}}}
}

// installLego builds certwright-lego beside the daemon's binary, as an image
// and the packages have it.
func installLego(t *testing.T, folder string) {
	t.Helper()
	source, err := harness.Folder("daemon", "lego")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", filepath.Join(folder, "certwright-lego"), ".")
	build.Dir, build.Stderr = source, os.Stderr
	if err := build.Run(); err != nil {
		t.Fatalf("build certwright-lego: %v", err)
	}
}
