// Command certwright makes, keeps and renews the certificates of a Kubernetes
// cluster. Its commands are in the package commands; the daemon is package
// daemon.
package main

import (
	"context"
	"os"

	"k8s.io/client-go/rest"

	"github.com/certwright/certwright/daemon"
	"github.com/certwright/certwright/daemon/certwright/commands"
	"github.com/certwright/certwright/daemon/certwright/migration"
	"github.com/certwright/certwright/daemon/config"
)

func main() { os.Exit(commands.Main(daemon.Run, foresee, daemon.Rights)) }

// foresee lends the commands the daemon's decisions.
func foresee(ctx context.Context, rc *rest.Config, cfg config.Config) ([]migration.Prospect, error) {
	seen, err := daemon.Foresee(ctx, rc, cfg)
	var all []migration.Prospect
	for _, p := range seen {
		all = append(all, migration.Prospect{Namespace: p.Namespace, Name: p.Name, Outlook: p.Outlook, Why: p.Why})
	}
	return all, err
}
