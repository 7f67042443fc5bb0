package main

import (
	"fmt"
	"strings"

	"github.com/certwright/certwright/daemon/config/nearest"
	"github.com/certwright/certwright/handlers/challenges/dns01/lego/protocol"

	"github.com/go-acme/lego/v4/challenge"
	"github.com/go-acme/lego/v4/challenge/dns01"
	"github.com/go-acme/lego/v4/providers/dns"
)

// byName makes the provider that a request names, from the environment.
type byName func(name string) (challenge.Provider, error)

func named(name string) (challenge.Provider, error) { return dns.NewDNSChallengeProviderByName(name) }

// serve carries one request out.
func serve(r protocol.Request, provider byName) (response protocol.Response) {
	defer func() {
		if fault := recover(); fault != nil {
			response.Error = fmt.Sprintf("it panicked: %v", fault)
		}
	}()
	if len(r.Nameservers) > 0 {
		// An option of lego's client, which sets what its providers ask by.
		_ = dns01.AddRecursiveNameservers(r.Nameservers)(nil)
	}
	p, err := provider(r.Provider)
	if err != nil {
		return setup(r.Provider, err)
	}
	response.Keeps = keeps(p)
	if err := restore(p, r.State); err != nil {
		response.Error = err.Error()
		return response
	}
	if r.Action == protocol.CleanUp {
		err = p.CleanUp(r.Domain, r.Token, r.KeyAuthorization)
	} else {
		err = p.Present(r.Domain, r.Token, r.KeyAuthorization)
	}
	if err != nil {
		response.Error = err.Error()
		return response
	}
	response.State = save(p)
	return response
}

func setup(name string, err error) protocol.Response {
	response := protocol.Response{Error: err.Error(), Setup: true}
	if strings.Contains(err.Error(), "unrecognized DNS provider") {
		response.Unknown = true
		if near := nearest.Word(name, names()); near != "" {
			response.Nearest = []string{near}
		}
	}
	return response
}
