package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
)

// Prospect is what a daemon that begins now would do with a Certificate.
type Prospect struct {
	Namespace, Name string
	// Outlook is one of the words of handlers/certificates.
	Outlook string
	// Why is what makes it so, in the words of conditions; often empty.
	Why string
}

// Foresee tells what a daemon of this configuration would do with each
// Certificate, by its own caches and its own decisions. It reads, and neither
// writes nor asks any server but the API server. Errors: no connection, missing
// rights, or that the caches are not filled within the time of ctx.
func Foresee(ctx context.Context, rc *rest.Config, cfg config.Config) ([]Prospect, error) {
	transport, err := rest.HTTPClientFor(rc)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the API server: %w", err)
	}
	clients, err := clientsOver(rc, transport)
	if err != nil {
		return nil, err
	}
	return foresee(ctx, cfg, clients)
}

func foresee(ctx context.Context, cfg config.Config, c Clients) ([]Prospect, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	set := informers.New(informers.Options{
		Core: c.Core, CertManager: c.CertManager, Metadata: c.Metadata, Served: c.Served, Plural: c.Plural,
		Namespaces: cfg.Namespaces, ClusterNamespace: cfg.ClusterResourceNamespace,
	})
	set.Wake(nobody{})
	ended := make(chan struct{})
	go func() { defer close(ended); set.Run(ctx) }()
	defer func() { stop(); <-ended }()
	if err := untilSynced(ctx, set); err != nil {
		return nil, err
	}
	handler := certificates.New(certificates.Handler{
		Cache: set, Client: c.CertManager.CertmanagerV1(), Secrets: c.Core.CoreV1(), Settings: settings(cfg),
		Approves: approver(cfg, c).Approves, Clock: clock.RealClock{}, External: externalIssuers(c.External),
	})
	var all []Prospect
	for _, crt := range sorted(set.Certificates()) {
		seen, err := handler.Foresee(ctx, crt)
		if err != nil {
			return nil, fmt.Errorf("look at Certificate %s/%s: %w", crt.Namespace, crt.Name, err)
		}
		all = append(all, Prospect{Namespace: crt.Namespace, Name: crt.Name, Outlook: string(seen.Outlook), Why: seen.Why})
	}
	return all, nil
}

func sorted(all []*cmapi.Certificate) []*cmapi.Certificate {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b *cmapi.Certificate) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return all
}

func untilSynced(ctx context.Context, set *informers.Set) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !set.Synced() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the objects could not all be read in time (not served: %v): %w", set.Missing(), ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// nobody is woken by no event: one look is all there is.
type nobody struct{}

func (nobody) Add(queue.Key) {}
