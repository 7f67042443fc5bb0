package daemon

import (
	"net/http"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/daemon/webpage"
)

// webPage is the page for people on the metrics port.
func (d *Daemon) webPage() http.Handler {
	places := 0
	if d.cfg.Runs(config.Challenges) {
		places = d.cfg.MaxConcurrentChallenges
	}
	o := webpage.Options{
		Caches: d.set, Sets: sets(d.cfg), Places: places,
		Confined: len(d.cfg.Namespaces) > 0, ClusterNamespace: d.cfg.ClusterResourceNamespace,
	}
	if d.cfg.LeaderElect {
		o.Shards, o.Identity = d.board.seen, d.board.identity
	}
	return webpage.New(o)
}
