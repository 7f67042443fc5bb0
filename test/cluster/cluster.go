// Package cluster starts a real Kubernetes control plane (etcd, kube-apiserver
// and kube-controller-manager) on this machine, for tests and for trying things
// out. It needs no containers and no root; there are no nodes, so no pod runs.
//
// The programs are built from their Go modules once and kept in the user's
// cache (see [Binaries]). A cluster starts in seconds, several run side by side,
// and none outlives the process that started it: when that process ends, even
// by a kill -9, the components and the cluster's folder go with it.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// Options say what cluster to start. The zero value is a good cluster.
type Options struct {
	// Dir is the folder the cluster lives in: data, keys, logs. It must be
	// missing or empty, and is removed when the cluster ends. Empty: a
	// temporary one.
	Dir string
	// Log gets progress, a line at a time. Nil: nobody.
	Log io.Writer
	// Address is the IPv4 address everything listens on. Empty: 127.0.0.1.
	// Any other address is announced in the endpoints of the Service
	// default/kubernetes, which refuse a loopback address.
	Address string
	// Users may log in beside the admin; see [Cluster.KubeconfigFor].
	Users []User
	// AuditLog makes the API server write every request at metadata level to
	// [Cluster.AuditLog].
	AuditLog bool
	// Authorization is the path of an AuthorizationConfiguration, for an API server
	// that asks somebody else beside RBAC. Empty: RBAC alone.
	Authorization string
	// ExtraAPIServerArgs and ExtraControllerManagerArgs come last on the
	// command lines, so they win over the flags set here.
	ExtraAPIServerArgs         []string
	ExtraControllerManagerArgs []string
}

// User is someone the API server knows by a bearer token. What a user may do
// is up to RBAC, by name and groups.
type User struct {
	Name   string
	UID    string // empty: the name
	Groups []string
}

// Cluster is a running control plane. Its methods may be called from several
// goroutines.
type Cluster struct {
	options  Options
	programs string
	dir      string
	keeper   *keeper
	ports    map[string]*port
	identity *identity
	client   *http.Client
	deaths   chan *process

	mu        sync.Mutex
	processes map[string]*process
	keepLogs  bool
	stopped   bool
}

// Start starts a cluster and waits until it serves: the API server is ready
// and the namespace "default" has its service account. ctx ends the start, not
// the cluster; call [Cluster.Stop] for that.
//
// The first call on a machine builds the programs, see [Binaries]. When a
// component fails, the error ends with the last lines of its log, and the logs
// are kept in a folder the error names.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Address == "" {
		o.Address = "127.0.0.1"
	}
	bin, err := Binaries(ctx, o.Log)
	if err != nil {
		return nil, err
	}
	c, err := prepare(o, bin)
	if err != nil {
		return nil, fmt.Errorf("prepare a cluster: %w", err)
	}
	if err := c.startAll(ctx); err != nil {
		return nil, c.abandon(err)
	}
	return c, nil
}

// abandon cleans up after a failed start. Someone who interrupted it wants no logs.
func (c *Cluster) abandon(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.Join(fmt.Errorf("start a cluster: %w", err), c.Stop())
	}
	logs := c.KeepLogs()
	return errors.Join(fmt.Errorf("start a cluster (logs kept in %s): %w", logs, err), c.Stop())
}

// Kubeconfig returns the path of a kubeconfig that makes its user the admin.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.dir, "kubeconfig") }

// URL returns the API server's URL, without a path.
func (c *Cluster) URL() string { return "https://" + c.ports[APIServer].String() }

// Token returns the bearer token of the admin, a member of system:masters.
func (c *Cluster) Token() string { return c.identity.tokens[admin] }

// CA returns the certificate, in PEM, that the API server's own is signed by.
func (c *Cluster) CA() []byte { return c.identity.ca.pem() }

// AuditLog returns the path of the audit log: one JSON object of kind
// audit.k8s.io/v1 Event a line, written before the client has its answer. The
// file is there only with [Options.AuditLog].
func (c *Cluster) AuditLog() string { return filepath.Join(c.logs(), "audit.log") }

// PID returns the process id of a component, 0 when it does not run.
func (c *Cluster) PID(component string) int {
	p := c.process(component)
	if p == nil || p.hasEnded() {
		return 0
	}
	return p.cmd.Process.Pid
}

// Dir returns the cluster's folder. With pki/ca.crt and pki/ca.key in it client
// certificates can be signed that the API server accepts.
func (c *Cluster) Dir() string { return c.dir }

// KeepLogs makes [Cluster.Stop] leave the folder of the components' logs, whose
// path it returns. Data and keys go in any case.
func (c *Cluster) KeepLogs() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keepLogs = true
	return c.logs()
}

// Wait waits until a component ends that nobody stopped, and returns an error
// with the last lines of its log, or until ctx ends, and returns nil.
func (c *Cluster) Wait(ctx context.Context) error {
	select {
	case p := <-c.deaths:
		return p.failure()
	case <-ctx.Done():
		return nil
	}
}

// Stop ends the components and removes the cluster's folder (but see
// [Cluster.KeepLogs]). It fails when the folder cannot be removed. A second
// call does nothing.
func (c *Cluster) Stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil
	}
	c.stopped = true
	for _, name := range []string{ControllerManager, APIServer, Etcd} {
		c.processes[name].kill() // the data goes too, so there is nothing to end in order
	}
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
	for _, port := range c.ports {
		port.release()
	}
	if err := errors.Join(c.removeFiles(), c.keeper.dismiss()); err != nil {
		return fmt.Errorf("stop the cluster in %s: %w", c.dir, err)
	}
	return nil
}

func (c *Cluster) removeFiles() error {
	if !c.keepLogs {
		return os.RemoveAll(c.dir)
	}
	entries, err := os.ReadDir(c.dir)
	for _, entry := range entries {
		if path := filepath.Join(c.dir, entry.Name()); path != c.logs() {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return err
}

func (c *Cluster) logs() string { return filepath.Join(c.dir, "logs") }
