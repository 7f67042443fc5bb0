package commands

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/certwright/certwright/internal/responder"
)

// solveOptions are what one challenge is answered with.
type solveOptions struct {
	listen             string
	port               int
	domain, token, key string
}

func (p *program) solveCommand() *cobra.Command {
	var o solveOptions
	cmd := &cobra.Command{
		Use:   "solve",
		Short: "Answer one HTTP-01 challenge (what a solver pod runs)",
		Long: `Answer one HTTP-01 challenge until SIGTERM: the key authorization at
/.well-known/acme-challenge/TOKEN, "ok" at /healthz, and nothing else.

The daemon runs this in a pod where it does not answer itself: with
--acme-http01-solver-mode=pod, and for solvers that have a podTemplate. It needs
no cluster, and may as well be run by hand to see whether a name's port 80 leads
here.`,
		Example: `  certwright solve --domain=www.example.com --token=TOKEN --key=TOKEN.THUMBPRINT`,
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen-address", "", "address to listen on; empty is all of them")
	flags.IntVar(&o.port, "listen-port", 8089, "port to listen on; 0 takes any that is free")
	flags.StringVar(&o.domain, "domain", "", "name, or IP address, that is to be proved")
	flags.StringVar(&o.token, "token", "", "the challenge's token")
	flags.StringVar(&o.key, "key", "", "the key authorization to answer with")
	cmd.RunE = p.action(func(cmd *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		return p.solve(cmd.Context(), o)
	})
	return cmd
}

// check finds what cannot be meant.
func (o solveOptions) check() error {
	switch {
	case o.domain == "":
		return usagef("--domain: it is not said which name is to be proved; name one")
	case o.token == "":
		return usagef("--token: it is not said which token is asked for; name the challenge's")
	case o.key == "":
		return usagef("--key: it is not said what to answer; give the key authorization, TOKEN.THUMBPRINT")
	case o.port < 0 || o.port > 65535:
		return usagef("--listen-port: %d is no port; write for example 8089", o.port)
	}
	return nil
}

func (p *program) solve(ctx context.Context, o solveOptions) error {
	address := net.JoinHostPort(o.listen, strconv.Itoa(o.port))
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w; choose another --listen-port", err)
	}
	fmt.Fprintf(p.streams.ErrOut, "answering for %s on %s\n", o.domain, l.Addr())
	if err := responder.Serve(ctx, l, solving(o)); err != nil {
		return fmt.Errorf("answer on %s: %w", l.Addr(), err)
	}
	return nil
}

// solving answers the one challenge, and the kubelet.
func solving(o solveOptions) http.Handler {
	one := []responder.Answer{{Name: o.domain, KeyAuthorization: o.key}}
	answers := responder.Handler(func(token string) []responder.Answer {
		if token != o.token {
			return nil
		}
		return one
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			fmt.Fprintln(w, "ok")
			return
		}
		answers.ServeHTTP(w, r)
	})
}
