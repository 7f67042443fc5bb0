package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/certwright/certwright/test/cluster"
)

// StageOptions say what to open.
type StageOptions struct {
	// Log receives a line at a time about what takes long.
	Log io.Writer
	// AuditLog makes Stage.Audit work.
	AuditLog bool
	// Binary is used instead of building one from the checkout, for example to
	// compare with an earlier build.
	Binary string
	// Address is the control plane's, where that is not 127.0.0.1: of a network of
	// its own.
	Address string
	// Bare leaves out the CRDs, for a daemon that must wait for them.
	Bare bool
}

// Stage is a fresh control plane with the product's CRDs and RBAC applied, the
// daemon's binary, and a kubeconfig that makes it the user deploy/rbac is for.
type Stage struct {
	// Cluster is the control plane.
	Cluster *cluster.Cluster
	// Clients reach it as its administrator.
	Clients *Clients
	// Binary is the daemon and the command line tool, in Dir.
	Binary string
	// Account is who the daemon is.
	Account Account
	// Kubeconfig is the daemon's; the administrator's is Cluster.Kubeconfig().
	Kubeconfig string
	// Dir holds the daemons' logs. It goes with the control plane.
	Dir string

	daemons []*Daemon
	rights  *rightsRecorder // nil: nobody wants to know
}

// Open builds the daemon and starts the control plane. Close ends everything.
func Open(ctx context.Context, o StageOptions) (*Stage, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	s := &Stage{}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Stage) open(ctx context.Context, o StageOptions) (err error) {
	binary, install := o.Binary, place
	if binary == "" {
		// Before the control plane, whose first build takes long: what does not
		// compile is told at once.
		if binary, err = Build(ctx, o.Log); err != nil {
			return err
		}
		install = Install
	}
	if s.rights, err = recordRights(); err != nil {
		return err
	}
	if s.Cluster, err = cluster.Start(ctx, s.clusterOptions(o)); err != nil {
		return err
	}
	if err := s.furnish(); err != nil {
		return err
	}
	if err := install(binary, s.Binary); err != nil {
		return err
	}
	if !o.Bare {
		if err := s.ApplyCRDs(ctx); err != nil {
			return err
		}
	}
	return s.applyRBAC(ctx)
}

// clusterOptions have the API server ask as strictly as any does: whoever names an
// owner and blocks its deletion must be allowed to (OpenShift has that on).
func (s *Stage) clusterOptions(o StageOptions) cluster.Options {
	c := cluster.Options{Address: o.Address, Log: o.Log, AuditLog: o.AuditLog,
		ExtraAPIServerArgs: []string{"--enable-admission-plugins=OwnerReferencesPermissionEnforcement"}}
	if s.rights != nil {
		c.AuditLog, c.Authorization = true, s.rights.configuration()
	}
	return c
}

// furnish makes the stage's folder within the cluster's, which goes with the
// cluster even when we are killed.
func (s *Stage) furnish() (err error) {
	s.Dir = filepath.Join(filepath.Dir(s.Cluster.Kubeconfig()), "stage")
	if err := os.Mkdir(s.Dir, 0o700); err != nil {
		return err
	}
	s.Kubeconfig, s.Binary = filepath.Join(s.Dir, "daemon.kubeconfig"), filepath.Join(s.Dir, "certwright")
	s.Clients, err = NewClients(s.Cluster.Kubeconfig())
	return err
}

// ApplyCRDs applies deploy/crds and waits until they are served.
func (s *Stage) ApplyCRDs(ctx context.Context) error {
	dir, err := Folder("deploy", "crds")
	if err != nil {
		return err
	}
	_, err = s.Clients.ApplyDir(ctx, dir)
	return err
}

// applyRBAC applies deploy/rbac and becomes the account it is for.
func (s *Stage) applyRBAC(ctx context.Context) error {
	dir, err := Folder("deploy", "rbac")
	if err != nil {
		return err
	}
	manifests, err := ReadManifests(dir)
	if err != nil {
		return err
	}
	if s.Account, err = accountOf(manifests); err != nil {
		return err
	}
	if err := s.Clients.EnsureNamespace(ctx, s.Account.Namespace); err != nil {
		return err
	}
	if _, err := s.Clients.ApplyDir(ctx, dir); err != nil {
		return err
	}
	return s.Clients.WriteKubeconfig(ctx, s.Account, s.Kubeconfig)
}

// Daemon starts a daemon with further flags and waits until it is ready. The
// stage ends it when it closes.
func (s *Stage) Daemon(ctx context.Context, name string, args ...string) (*Daemon, error) {
	d, err := s.NewDaemon(DaemonOptions{Name: name, Args: args})
	if err != nil {
		return nil, err
	}
	if err := d.Start(); err != nil {
		return nil, err
	}
	return d, d.WaitReady(ctx)
}

// NewDaemon makes a daemon of this stage without starting it. Binary, folder
// and kubeconfig are the stage's where the options leave them open.
func (s *Stage) NewDaemon(o DaemonOptions) (*Daemon, error) {
	o.Dir = s.Dir
	if o.Binary == "" {
		o.Binary = s.Binary
	}
	if o.Kubeconfig == "" {
		o.Kubeconfig = s.Kubeconfig
	}
	d, err := NewDaemon(o)
	if err == nil {
		s.daemons = append(s.daemons, d)
	}
	return d, err
}

// stopTime is what a daemon gets to end in order when the stage closes.
const stopTime = 15 * time.Second

// Close ends the daemons and the control plane, and removes its folder.
func (s *Stage) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	var all error
	for _, d := range s.daemons {
		all = errors.Join(all, d.Stop(ctx))
	}
	if s.rights != nil {
		all = errors.Join(all, s.rights.close(s.Cluster))
	}
	if s.Cluster != nil {
		all = errors.Join(all, s.Cluster.Stop())
	}
	return all
}

// Logs renders the ends of all daemons' logs, for a failure message.
func (s *Stage) Logs() string {
	var out string
	for _, d := range s.daemons {
		out += fmt.Sprintf("%s: %s\n", d.options.Name, d.Tail(40))
	}
	return out
}

// AllLogs is everything that the daemons said.
func (s *Stage) AllLogs() string {
	var out strings.Builder
	for _, d := range s.daemons {
		out.WriteString(d.Log())
	}
	return out.String()
}
