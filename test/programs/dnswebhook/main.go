//go:build dnswebhook

// Command dnswebhook is a DNS01 solver as others publish them for cert-manager, for
// tests only: certwright is to use such a program as it is. The library that
// serves it and the solver itself are cert-manager's own, at a tagged version, so
// that nothing of what certwright talks to was written to suit certwright: an API
// server behind the aggregation layer, that puts TXT records into a zone by
// updates signed with TSIG (RFC 2136), the key of which is in a Secret that the
// solver's config names.
//
// The build tag keeps its packages, a whole API server, out of `go vet ./...`.
package main

import (
	"fmt"
	"os"

	"github.com/cert-manager/cert-manager/pkg/acme/webhook/cmd"
	"github.com/cert-manager/cert-manager/pkg/issuer/acme/dns/rfc2136"
)

// group names the API group in the environment, as such solvers have it.
const group = "GROUP_NAME"

func main() {
	name := os.Getenv(group)
	if name == "" {
		fmt.Fprintln(os.Stderr, "set", group, "to the API group to serve, as the issuer's groupName has it")
		os.Exit(2)
	}
	cmd.RunWebhookServer(name, rfc2136.New())
}
