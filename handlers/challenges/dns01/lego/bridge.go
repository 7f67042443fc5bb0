package lego

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/httpapi"
	"github.com/certwright/certwright/handlers/challenges/dns01/lego/protocol"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"
)

const (
	// processes at once: each takes some 35 MB.
	processes = 4
	// patience with one call: some providers wait until their servers have the
	// record, which takes minutes at the slow ones.
	patience = 4 * time.Minute
)

// Bridge runs the providers. It is safe for concurrent use.
type Bridge struct {
	// Path of the child's program; empty means beside this one.
	Path string
	// Nameservers are resolvers for the children, host:port; those that are URLs
	// are left out. None: the system's.
	Nameservers []string
	// Visible tells by its nil that the DNS still has a record.
	Visible func(ctx context.Context, name, value string) error

	once  sync.Once
	slots chan struct{}
	mu    sync.Mutex
	// states is what providers that remember their records remember. It is lost
	// with the daemon; forget tells what becomes of the record then.
	states map[string]json.RawMessage
}

// Call is one provider with the settings of one issuer, for one challenge.
type Call struct {
	Bridge   *Bridge
	Provider string
	// Env are the settings, Files contents by the variable that is to name their
	// file. Secrets are the values that must not be seen in any text.
	Env, Files map[string]string
	Secrets    []string
	// Follow lets the provider go along CNAMEs.
	Follow bool
	// Ambient lets it use credentials of its surroundings.
	Ambient bool
	Token   string
	// KeyAuthorization as in challenges.Task.
	KeyAuthorization func(context.Context) (string, error)
}

// Set makes the record.
func (c *Call) Set(ctx context.Context, r record.Record) error {
	response, err := c.ask(ctx, protocol.Present, r)
	if err != nil {
		return err
	}
	if response.Error == "" {
		c.Bridge.remember(c.key(r), response.State)
		return nil
	}
	return c.judge(response)
}

// Unset removes the record.
func (c *Call) Unset(ctx context.Context, r record.Record) error {
	response, err := c.ask(ctx, protocol.CleanUp, r)
	switch {
	case err != nil:
		return err
	case response.Error == "":
		c.Bridge.remember(c.key(r), nil)
		return nil
	case response.Keeps && c.Bridge.recall(c.key(r)) == nil:
		return c.forget(ctx, r)
	}
	return c.judge(response)
}

// forget is for a record of which only the process knew that is gone: nobody can
// tell the provider which one to remove. It has gone, or somebody must do it.
func (c *Call) forget(ctx context.Context, r record.Record) error {
	if c.Bridge.Visible == nil || c.Bridge.Visible(ctx, r.Name, r.Value) != nil {
		return nil
	}
	return challenges.Faulty("the provider %s cannot find the record again, for the daemon was restarted since it was made: remove the TXT record %s with the value %s at the provider", c.Provider, r.Name, r.Value)
}

func (c *Call) key(r record.Record) string { return c.Provider + " " + r.Name + " " + r.Value }

func (b *Bridge) remember(key string, state json.RawMessage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(state) == 0 {
		delete(b.states, key)
		return
	}
	if b.states == nil {
		b.states = map[string]json.RawMessage{}
	}
	b.states[key] = state
}

func (b *Bridge) recall(key string) json.RawMessage {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.states[key]
}

func (c *Call) ask(ctx context.Context, action string, r record.Record) (protocol.Response, error) {
	authorization, err := c.KeyAuthorization(ctx)
	if err != nil {
		return protocol.Response{}, err
	}
	program, err := c.Bridge.program()
	if err != nil {
		return protocol.Response{}, err
	}
	release, err := c.Bridge.acquire(ctx)
	if err != nil {
		return protocol.Response{}, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.run(ctx, program, protocol.Request{
		Action: action, Provider: c.Provider, Domain: r.Domain, Token: c.Token, KeyAuthorization: authorization,
		Nameservers: c.Bridge.plain(), State: c.Bridge.recall(c.key(r)),
	})
}

// plain leaves out the resolvers over HTTPS, which lego cannot ask.
func (b *Bridge) plain() []string {
	return slices.DeleteFunc(slices.Clone(b.Nameservers), func(s string) bool { return strings.Contains(s, "://") })
}

func (b *Bridge) program() (string, error) {
	path := b.Path
	if path == "" {
		own, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("find %s: %w", protocol.Program, err)
		}
		path = filepath.Join(filepath.Dir(own), protocol.Program)
	}
	if _, err := os.Stat(path); err != nil {
		return "", challenges.Faulty("%s.groupName: this installation cannot run lego's providers: the program %s is not beside certwright; install it, or use an image that has it", field, protocol.Program)
	}
	return path, nil
}

func (b *Bridge) acquire(ctx context.Context) (func(), error) {
	b.once.Do(func() { b.slots = make(chan struct{}, processes) })
	select {
	case b.slots <- struct{}{}:
		return func() { <-b.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *Call) judge(r protocol.Response) error {
	said := httpapi.Stable(c.scrub(r.Error))
	switch {
	case r.Unknown && len(r.Nearest) > 0:
		return challenges.Faulty("%s.solverName: lego has no DNS provider %q: did you mean %s?", field, c.Provider, strings.Join(r.Nearest, " or "))
	case r.Unknown:
		return challenges.Faulty("%s.solverName: lego has no DNS provider %q: use one of those listed at https://go-acme.github.io/lego/dns/", field, c.Provider)
	case r.Setup:
		return challenges.Faulty("%s.config: the provider %s cannot be used as it is configured: %s; set what is missing in env or secretEnv, see https://go-acme.github.io/lego/dns/%s/", field, c.Provider, said, c.Provider)
	}
	return errors.New("the DNS provider " + c.Provider + ": " + said)
}

// shortest secret that is looked for: shorter ones are in every text.
const shortest = 4

// scrub takes the secret values out of a text, however a library quotes them.
func (c *Call) scrub(text string) string {
	for _, secret := range c.Secrets {
		for _, form := range forms(secret) {
			if len(form) >= shortest {
				text = strings.ReplaceAll(text, form, "***")
			}
		}
	}
	return text
}
