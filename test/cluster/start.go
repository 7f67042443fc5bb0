package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// startTimeout is far above the few seconds a start takes, for a machine that
// is busy with something else.
const startTimeout = 90 * time.Second

// prepare makes all that the components need before the first one starts.
func prepare(o Options, bin string) (*Cluster, error) {
	if address, err := netip.ParseAddr(o.Address); err != nil || !address.Is4() {
		return nil, fmt.Errorf("the address %q is no IPv4 address", o.Address)
	}
	dir, err := chooseDir(o.Dir)
	if err != nil {
		return nil, err
	}
	// The keeper comes before the folder: from its first moment there is
	// someone to remove it.
	keeper, err := startKeeper(dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{options: o, programs: bin, dir: dir, keeper: keeper,
		ports: map[string]*port{}, processes: map[string]*process{}, deaths: make(chan *process, 16)}
	if err := c.furnish(); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// furnish makes the folder, reserves the ports and writes the files.
func (c *Cluster) furnish() (err error) {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("create the cluster's folder: %w", err)
	}
	for _, name := range []string{Etcd, APIServer, ControllerManager} {
		if c.ports[name], err = reservePort(c.options.Address); err != nil {
			return err
		}
	}
	if c.identity, err = newIdentity(c.options); err != nil {
		return err
	}
	c.client = newClient(c.CA(), c.Token())
	return c.writeFiles()
}

// chooseDir returns the path of a folder that is missing or empty.
func chooseDir(wanted string) (string, error) {
	if wanted == "" {
		wanted = filepath.Join(os.TempDir(), "certwright-cluster-"+strings.ToLower(rand.Text()))
	}
	dir, err := filepath.Abs(wanted)
	if err != nil {
		return "", fmt.Errorf("find the cluster's folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("look into the cluster's folder: %w", err)
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("%s is not empty and would be removed with the cluster: name a new folder", dir)
	}
	return dir, nil
}

// startAll starts the components at once, each waits for the one it needs.
func (c *Cluster) startAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready after %s", startTimeout))
	defer cancel()
	start := time.Now()
	fmt.Fprintf(c.options.Log, "starting a control plane in %s\n", c.dir)
	for _, name := range []string{Etcd, APIServer, ControllerManager} {
		if err := c.start(name); err != nil {
			return err
		}
	}
	if err := c.waitFor(ctx, APIServer, "/readyz"); err != nil {
		return err
	}
	if err := c.revive(ControllerManager); err != nil {
		return err
	}
	// Without its service account a namespace takes no pods. The account shows
	// too that kube-controller-manager has come up.
	if err := c.waitFor(ctx, ControllerManager, "/api/v1/namespaces/default/serviceaccounts/default"); err != nil {
		return err
	}
	fmt.Fprintf(c.options.Log, "control plane ready at %s after %.1f s\n", c.URL(), time.Since(start).Seconds())
	return nil
}

// revive starts a component again that has given up while the API server came up:
// kube-controller-manager waits ten seconds for it, which a busy machine needs.
func (c *Cluster) revive(name string) error {
	if !c.process(name).hasEnded() {
		return nil
	}
	<-c.deaths // which told of it; nobody waits for deaths yet
	return c.start(name)
}

func (c *Cluster) start(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return errors.New("the cluster was stopped")
	}
	if p := c.processes[name]; p != nil && !p.hasEnded() {
		return nil
	}
	p, err := startProcess(command{
		name: name, path: filepath.Join(c.programs, name), args: c.args(name),
		dir: c.dir, log: filepath.Join(c.logs(), name+".log"), group: c.keeper.group(),
	}, c.deaths)
	if err != nil {
		return err
	}
	c.processes[name] = p
	return nil
}

// StopAPIServer ends the API server as a crash would, at once. Its port stays
// reserved and refuses connections; etcd and kube-controller-manager go on.
func (c *Cluster) StopAPIServer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.processes[APIServer].kill()
}

// StartAPIServer starts the API server after [Cluster.StopAPIServer], on the
// same port and data, and waits until it is ready. It fails as [Start] does,
// and does nothing when the API server runs.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready after %s", startTimeout))
	defer cancel()
	if err := c.start(APIServer); err != nil {
		return fmt.Errorf("start the API server: %w", err)
	}
	if err := c.waitFor(ctx, APIServer, "/readyz"); err != nil {
		return fmt.Errorf("start the API server: %w", err)
	}
	return nil
}
