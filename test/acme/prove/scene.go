package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/nameserver"
	"github.com/certwright/certwright/test/acme/netns"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/acme/stepca"
	"github.com/certwright/certwright/test/acme/traefik"
	"github.com/certwright/certwright/test/harness"
)

// namespace is where everything is made.
const namespace = "proof"

// scene is all parts, running.
type scene struct {
	progress *harness.Progress
	stage    *harness.Stage
	dns      *nameserver.Server
	pebble   *pebble.Server
	stepCA   *stepca.Server
	traefik  *traefik.Controller
	end      []func()
}

func prove(ctx context.Context, progress *harness.Progress) (err error) {
	s := &scene{progress: progress}
	defer func() {
		if err != nil && s.stage != nil {
			err = fmt.Errorf("%w\n%s%s", err, s.stage.Logs(), s.logs())
		}
		err = errors.Join(err, s.close())
	}()
	if err := s.build(ctx); err != nil {
		return err
	}
	progress.Done()
	return s.play(ctx)
}

// build starts the parts, each after what it needs: the network's resolver must
// answer before anything else is looked for by name.
func (s *scene) build(ctx context.Context) (err error) {
	files, err := os.MkdirTemp("", "certwright-prove-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(files) // what is mounted from here stays mounted
	if err := netns.Furnish(ctx, files); err != nil {
		return err
	}
	if s.stage, err = harness.Open(ctx, harness.StageOptions{Log: s.progress}); err != nil {
		return err
	}
	if s.dns, err = nameserver.Start(ctx, nameserver.Options{Dir: s.folder("dns"), Address: netns.Address + ":53"}); err != nil {
		return err
	}
	s.end = append(s.end, func() { _ = s.dns.Close() })
	s.progress.Line("%s answers for the zones, on port 53", s.dns.Program)
	if err := s.startServers(ctx); err != nil {
		return err
	}
	if err := s.startTraefik(ctx); err != nil {
		return err
	}
	if err := s.stage.Clients.EnsureNamespace(ctx, namespace); err != nil {
		return err
	}
	_, err = s.stage.Clients.Kube.CoreV1().Secrets(namespace).Create(ctx, parts.TSIG(namespace, s.dns.Key), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	// The name of the address is the daemon's only setting.
	_, err = s.stage.Daemon(ctx, "certwright", "--enable-gateway-api",
		"--acme-http01-solver-listen-address="+netns.Address+":8089", "--acme-http01-solver-address="+netns.Address)
	return err
}

func (s *scene) startServers(ctx context.Context) error {
	authority, err := harness.NewRoot("pebble's own")
	if err != nil {
		return err
	}
	s.pebble, err = pebble.Start(ctx, pebble.Options{
		Dir: s.folder("pebble"), Log: s.progress, TLS: authority, DNS: s.dns.Address, HTTPPort: 80, NonceReject: 5,
	})
	if err != nil {
		return err
	}
	s.end = append(s.end, s.pebble.Stop)
	if s.stepCA, err = stepca.Start(ctx, s.progress, s.folder("step-ca")); err != nil {
		return err
	}
	s.end = append(s.end, s.stepCA.Stop)
	return nil
}

func (s *scene) startTraefik(ctx context.Context) (err error) {
	if err := traefik.Prepare(ctx, s.stage.Clients); err != nil {
		return err
	}
	s.traefik, err = traefik.Start(ctx, traefik.Options{
		Log: s.progress, Dir: s.folder("traefik"), Kubeconfig: s.stage.Cluster.Kubeconfig(), Host: netns.Address,
	})
	if err != nil {
		return err
	}
	s.end = append(s.end, s.traefik.Stop)
	return traefik.UntilProgrammed(ctx, s.stage.Clients)
}

// folder makes a folder that goes with the stage. It cannot be there already.
func (s *scene) folder(name string) string {
	dir := filepath.Join(s.stage.Dir, name)
	_ = os.Mkdir(dir, 0o700) // whoever writes into it tells
	return dir
}

// close ends everything, the last first.
func (s *scene) close() error {
	for _, stop := range slices.Backward(s.end) {
		stop()
	}
	if s.stage == nil {
		return nil
	}
	return s.stage.Close()
}

// logs are the ends of what the parts said.
func (s *scene) logs() string {
	var out strings.Builder
	for name, log := range map[string]func() string{"pebble": s.pebble.Log, "step-ca": s.stepCA.Log, "traefik": s.traefik.Log} {
		lines := strings.Split(strings.TrimRight(log(), "\n"), "\n")
		fmt.Fprintf(&out, "the end of %s's log:\n    %s\n", name, strings.Join(lines[max(0, len(lines)-15):], "\n    "))
	}
	return out.String()
}
