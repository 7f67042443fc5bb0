package daemon

import (
	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/handlers/challenges/dns01"
	"github.com/certwright/certwright/handlers/challenges/dns01/lego"
	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/internal/dnscheck"
)

// dns01Solver proves names by TXT records.
func dns01Solver(cfg config.Config, c Clients, set *informers.Set) *dns01.Solver {
	checker := dnscheck.New(dnscheck.Options{Nameservers: cfg.Resolvers(), RecursiveOnly: cfg.DNS01RecursiveNameserversOnly})
	return &dns01.Solver{
		DNS: checker, Secrets: set, Tokens: dns01.ServiceAccounts{Client: c.Core.CoreV1()}, API: c.Raw, UserAgent: c.UserAgent,
		Lego: &lego.Bridge{Nameservers: cfg.Resolvers(), Visible: checker.Check},
	}
}
