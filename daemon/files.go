package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/handlers/secretfiles"
	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/internal/filedir"
	"github.com/certwright/certwright/queue"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// files writes Secrets into directories. It has a queue and informers of its
// own, because it neither waits for the lease nor for anything else: a sidecar
// that stands by, or may see nothing but one Secret, writes all the same.
type files struct {
	chosen  *informers.Chosen
	queue   *queue.Queue
	handler *secretfiles.Handler
}

// newFiles returns nil when no Secret is chosen.
func newFiles(cfg config.Config, c Clients) *files {
	if len(cfg.OutputSecrets) == 0 {
		return nil
	}
	f := &files{queue: queue.New(queue.Options{LocalWorkers: 1, RemoteWorkers: 1, Grace: grace(cfg.ShutdownGracePeriod)})}
	var keys []queue.Key
	outputs := outputs(cfg)
	for _, o := range outputs {
		keys = append(keys, o.Key())
	}
	f.chosen = informers.NewChosen(c.Core, f.queue, keys)
	uid, gid := cfg.OutputUser()
	f.handler = &secretfiles.Handler{
		Secret: f.chosen.Secret, Outputs: outputs, RemoveDeleted: cfg.OutputRemoveDeleted,
		Dir: filedir.Dir{Mode: cfg.OutputFileMode(), UID: uid, GID: gid}, Clock: clock.RealClock{},
	}
	return f
}

// outputs reads the server Secret of a set by the set's data keys, and any
// other by those of a TLS Secret.
func outputs(cfg config.Config) []secretfiles.Output {
	var all []secretfiles.Output
	for _, o := range cfg.Outputs() {
		out := secretfiles.Output{
			Namespace: o.Namespace, Name: o.Name, Directory: o.Directory,
			CertKey: corev1.TLSCertKey, KeyKey: corev1.TLSPrivateKeyKey, CAKey: corev1.ServiceAccountRootCAKey,
		}
		for _, set := range cfg.WebhookSets {
			if set.Namespace == o.Namespace && set.Server.Name == o.Name {
				out.CertKey, out.KeyKey = set.Server.CertKey, set.Server.KeyKey
			}
		}
		all = append(all, out)
	}
	return all
}

// run writes files until ctx ends; its informers go on until under does.
func (f *files) run(ctx, under context.Context) {
	if f == nil {
		return
	}
	logger := klog.FromContext(ctx)
	watching := make(chan struct{})
	go func() { f.chosen.Run(under); close(watching) }()
	defer func() { <-watching }()
	defer f.queue.ShutDown() // it may end before it has run
	for !f.chosen.Synced() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
	for _, o := range f.handler.Outputs {
		logger.Info("Writing files", "secret", klog.KRef(o.Namespace, o.Name), "directory", o.Directory)
	}
	f.chosen.WakeAll()
	if err := f.queue.Run(ctx, map[queue.Kind]queue.Handler{queue.SecretFiles: f.handler}); err != nil {
		logger.Error(err, "Writing of files ended")
	}
}

// ready holds when the files of every Secret chosen are there.
func (f *files) ready() bool { return f == nil || f.handler.AllStand() }

// inItsNamespace has a sidecar serve the namespace it runs in, or that of its
// kubeconfig, where it is told no other.
func inItsNamespace(cfg config.Config) (config.Config, error) {
	if cfg.Mode != config.Sidecar || len(cfg.Namespaces) > 0 {
		return cfg, nil
	}
	namespace, _, err := kubeconfig(cfg).Namespace()
	if err != nil {
		return cfg, fmt.Errorf("find the namespace that this runs in: %w; name it with --namespace", err)
	}
	cfg.Namespaces = []string{namespace}
	return cfg, nil
}
