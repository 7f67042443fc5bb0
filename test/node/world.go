//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/certwright/certwright/test/acme/nameserver"
	"github.com/certwright/certwright/test/acme/netns"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/acme/traefik"
	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/harness"
	"github.com/certwright/certwright/test/node/machine"
)

// world is everything, running.
type world struct {
	built
	progress *harness.Progress
	cluster  *cluster.Cluster
	clients  *harness.Clients
	machine  *machine.Machine
	pebble   *pebble.Server
	root     *harness.Authority // of pebble's own certificate
	end      []func()
}

// prove makes the world and plays the three forms in it.
func prove(ctx context.Context, progress *harness.Progress, p built) (err error) {
	w := &world{built: p, progress: progress}
	defer func() {
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w\n%s", err, w.lastWords())
		}
		w.close()
	}()
	for _, stage := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"a network with a resolver, and places in memory", w.furnish},
		{"the control plane", w.startCluster},
		{"DNS, pebble and traefik", w.startServers},
		{"the node: containerd, kubelet, scheduler", w.startMachine},
	} {
		began := time.Now()
		if err := stage.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", stage.what, err)
		}
		progress.Line("   %-50s %s", stage.what, harness.Elapsed(time.Since(began)))
	}
	return w.play(ctx)
}

func (w *world) furnish(ctx context.Context) error {
	files, err := os.MkdirTemp("", "certwright-node-resolver-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(files) // what is mounted from here stays mounted
	if err := netns.Furnish(ctx, files); err != nil {
		return err
	}
	return machine.Furnish(w.Dir)
}

// apiAddress is that of the Service default/kubernetes, by which pods reach the API
// server.
const apiAddress = "10.0.0.1"

func (w *world) startCluster(ctx context.Context) (err error) {
	w.cluster, err = cluster.Start(ctx, cluster.Options{
		Dir: filepath.Join(w.Dir, "cluster"), Address: netns.Address, Log: w.progress,
		Users: []cluster.User{{Name: machine.UserName, Groups: []string{"system:nodes"}}, {Name: machine.Scheduler}},
		ExtraAPIServerArgs: []string{
			"--authorization-mode=Node", "--enable-admission-plugins=NodeRestriction",
			"--kubelet-preferred-address-types=InternalIP",
			"--kubelet-client-certificate=" + filepath.Join(w.Dir, "cluster", "pki", "apiserver.crt"),
			"--kubelet-client-key=" + filepath.Join(w.Dir, "cluster", "pki", "apiserver.key"),
		},
	})
	if err != nil {
		return err
	}
	w.end = append(w.end, func() { _ = w.cluster.Stop() })
	if w.clients, err = harness.NewClients(w.cluster.Kubeconfig()); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "ip", "addr", "add", apiAddress+"/32", "dev", "lo").CombinedOutput(); err != nil {
		return fmt.Errorf("ip addr add: %w: %s", err, out)
	}
	// There is no kube-proxy: nothing else of a Service is needed here.
	stop, err := forward(net.JoinHostPort(apiAddress, "443"), strings.TrimPrefix(w.cluster.URL(), "https://"))
	if err != nil {
		return err
	}
	w.end = append(w.end, stop)
	return nil
}

func (w *world) startServers(ctx context.Context) error {
	dns, err := nameserver.Start(ctx, nameserver.Options{Dir: w.folder("dns"), Address: netns.Address + ":53"})
	if err != nil {
		return err
	}
	w.end = append(w.end, func() { _ = dns.Close() })
	if w.root, err = harness.NewRoot("pebble's own"); err != nil {
		return err
	}
	w.pebble, err = pebble.Start(ctx, pebble.Options{
		Dir: w.folder("pebble"), Log: w.progress, TLS: w.root, DNS: dns.Address, HTTPPort: 80, Host: netns.Address,
	})
	if err != nil {
		return err
	}
	w.end = append(w.end, w.pebble.Stop)
	if err := traefik.Prepare(ctx, w.clients); err != nil {
		return err
	}
	controller, err := traefik.Start(ctx, traefik.Options{
		Log: w.progress, Dir: w.folder("traefik"), Kubeconfig: w.cluster.Kubeconfig(), Host: netns.Address,
	})
	if err != nil {
		return err
	}
	w.end = append(w.end, controller.Stop)
	return nil
}

func (w *world) startMachine(ctx context.Context) error {
	inside := filepath.Join(w.Dir, "inside.tar")
	if err := writeInside(w.Inside, inside); err != nil {
		return err
	}
	kubelet, err := w.cluster.KubeconfigFor(machine.UserName)
	if err != nil {
		return err
	}
	scheduler, err := w.cluster.KubeconfigFor(machine.Scheduler)
	if err != nil {
		return err
	}
	w.machine, err = machine.Start(ctx, machine.Options{
		Dir: w.folder("node"), Cgroup: w.cgroup(), Address: netns.Address, Programs: w.Kubernetes,
		Kubelet: kubelet, Scheduler: scheduler, Images: []string{w.Image, inside}, PauseImage: insideImage, Kube: w.clients.Kube,
	})
	if err != nil {
		return err
	}
	return w.machine.Tag(ctx, repository+":"+version, repository+":"+nextVersion)
}

// folder makes a folder of the proof's. It cannot be there already.
func (w *world) folder(name string) string {
	dir := filepath.Join(w.Dir, name)
	_ = os.Mkdir(dir, 0o755) // whoever writes into it tells
	return dir
}

// close ends what was started here, the last first; the node ends with the machine.
func (w *world) close() {
	for _, stop := range slices.Backward(w.end) {
		stop()
	}
}
