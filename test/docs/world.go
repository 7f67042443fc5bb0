package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/certwright/certwright/test/acme/nameserver"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/harness"
)

// world is what one page is played in.
type world struct {
	stage *harness.Stage
	parts *parts.Set
	vault *vaultServer
	shell *shell
	// folder is a copy of what a reader has who cloned the repository.
	folder string
	// stand are addresses of the page, and what stands in for them.
	stand *strings.Replacer
}

// open makes the world of a page: a cluster, what the page needs beside it, and a
// shell.
func open(ctx context.Context, tools *tools, p *page, log *harness.Progress) (w *world, err error) {
	w = &world{stage: &harness.Stage{Binary: tools.certwright}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.stage.Cluster, err = cluster.Start(ctx, cluster.Options{Log: log}); err != nil {
		return w, err
	}
	// It goes with the cluster, even when we are killed.
	w.stage.Dir = filepath.Join(filepath.Dir(w.stage.Cluster.Kubeconfig()), "page")
	w.folder = filepath.Join(w.stage.Dir, "certwright")
	if err := os.Mkdir(w.stage.Dir, 0o700); err != nil {
		return w, err
	}
	if w.stage.Clients, err = harness.NewClients(w.stage.Cluster.Kubeconfig()); err != nil {
		return w, err
	}
	for _, folder := range []string{"deploy", "docs", "dist"} {
		if err := copyTree(filepath.Join(tools.root, folder), filepath.Join(w.folder, folder)); err != nil {
			return w, err
		}
	}
	return w, w.furnish(ctx, tools, p, log)
}

func copyTree(from, to string) error {
	if _, err := os.Stat(from); os.IsNotExist(err) {
		return nil // dist, before the first release
	}
	return os.CopyFS(to, os.DirFS(from))
}

// furnish starts what the page needs, and the shell.
func (w *world) furnish(ctx context.Context, tools *tools, p *page, log *harness.Progress) (err error) {
	env := w.environment(tools)
	ports, err := harness.FreePorts(3)
	if err != nil {
		return err
	}
	// Each page's daemon has ports of its own; pages speak of the defaults.
	metrics, health := fmt.Sprintf("localhost:%d", ports[0]), fmt.Sprintf("localhost:%d", ports[1])
	env = append(env, "CERTWRIGHT_METRICS_LISTEN_ADDRESS="+metrics, "CERTWRIGHT_HEALTHZ_LISTEN_ADDRESS="+health)
	stand := []string{"localhost:9402", metrics, "localhost:9403", health}
	if p.wants("acme") {
		if w.parts, err = parts.Start(ctx, w.stage, parts.Options{Log: log, Pebble: pebbleOptions()}); err != nil {
			return err
		}
		env = append(env, w.parts.Env()...)
		env = append(env, asEnvironment(w.parts.Args())...)
		stand = append(stand, w.acmeAddresses()...)
	} else {
		env = append(env, fmt.Sprintf("CERTWRIGHT_ACME_HTTP01_SOLVER_LISTEN_ADDRESS=127.0.0.1:%d", ports[2]))
	}
	if p.wants("vault") {
		if w.vault, err = startVault(ctx, w.stage, tools.vault); err != nil {
			return err
		}
		env = append(env, w.vault.environment()...)
		stand = append(stand, w.vault.addresses()...)
	}
	w.stand = strings.NewReplacer(stand...)
	scripts := filepath.Join(w.stage.Dir, "scripts")
	if err := os.Mkdir(scripts, 0o700); err != nil {
		return err
	}
	if w.shell, err = newShell(scripts, w.folder, env); err != nil {
		return err
	}
	if p.wants("gateway") {
		if said, err := w.shell.run(ctx, "kubectl apply --server-side -f "+tools.gateways+" >/dev/null"); err != nil {
			return fmt.Errorf("define the Gateway API: %w\n%s", err, said)
		}
	}
	if p.wants("bare") {
		return nil
	}
	return w.install(ctx)
}

// acmeAddresses has Let's Encrypt be pebble, whose root the issuer is told, and
// the zones of the pages those of the DNS server: every name of example.com leads
// to the ingress controller, and example.net takes updates.
func (w *world) acmeAddresses() []string {
	bundle := "\n    caBundle: " + base64.StdEncoding.EncodeToString(w.parts.TLS.PEM())
	var out []string
	for _, server := range []string{"acme-v02", "acme-staging-v02"} {
		out = append(out, "server: https://"+server+".api.letsencrypt.org/directory", "server: "+w.parts.Gate.Directory()+bundle)
	}
	return append(out,
		"example.com", nameserver.HTTPZone, "example.net", nameserver.DNSZone,
		"ns1.example.org:53", w.parts.DNS.Address, "TSIG-SECRET", w.parts.DNS.Key.Secret, "TSIG-KEY-NAME", w.parts.DNS.Key.Name)
}

// install makes the cluster what a page begins with that is not about installing.
func (w *world) install(ctx context.Context) error {
	w.stage.Account = harness.Account{Namespace: "cert-manager", Name: "certwright"}
	w.stage.Kubeconfig = filepath.Join(w.stage.Dir, "daemon.kubeconfig")
	if said, err := w.shell.run(ctx, "kubectl apply --server-side -k deploy && kubectl wait --for condition=Established crd --all --timeout 60s"); err != nil {
		return fmt.Errorf("apply deploy: %w\n%s", err, said)
	}
	if err := w.stage.Clients.WriteKubeconfig(ctx, w.stage.Account, w.stage.Kubeconfig); err != nil {
		return err
	}
	said, err := w.shell.run(ctx, "certwright run --kubeconfig="+w.stage.Kubeconfig+" --cluster-resource-namespace=cert-manager &\ncertwright check api --wait 60s")
	if err != nil {
		return fmt.Errorf("start the daemon: %w\n%s", err, said)
	}
	return nil
}

// environment is the shell's: nothing of ours but what a reader would have.
func (w *world) environment(tools *tools) []string {
	home := filepath.Join(w.stage.Dir, "home")
	return []string{
		"PATH=" + strings.Join([]string{tools.bin, os.Getenv("PATH")}, ":"),
		"HOME=" + home, "TMPDIR=" + w.stage.Dir, "USER=reader", "LANG=C.UTF-8",
		"KUBECONFIG=" + w.stage.Cluster.Kubeconfig(),
		standinRoot + "=" + tools.root, standinHost + "=" + filepath.Join(w.stage.Dir, "host"),
	}
}

// asEnvironment writes flags of certwright as variables, which a daemon takes that
// a page starts.
func asEnvironment(flags []string) (env []string) {
	for _, flag := range flags {
		name, value, given := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		if !given {
			value = "true"
		}
		env = append(env, "CERTWRIGHT_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+value)
	}
	return env
}

// close ends everything; the folder goes with the cluster.
func (w *world) close() error {
	if w.shell != nil {
		w.shell.close()
	}
	if w.vault != nil {
		w.vault.process.Stop()
	}
	var all error
	if w.parts != nil {
		all = w.parts.Close()
	}
	return errors.Join(all, w.stage.Close())
}

// pebbleOptions have the server offer what pages speak of.
func pebbleOptions() pebble.Options {
	return pebble.Options{AlternateRoots: 1, Profiles: map[string]time.Duration{
		"classic": 90 * 24 * time.Hour, "tlsserver": 45 * 24 * time.Hour, "shortlived": 160 * time.Hour,
	}}
}
