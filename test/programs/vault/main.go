//go:build vaultserver

// Command vault is a real Vault core on one port of this machine, for tests
// only: sealed at its start, initialized and unsealed through its own API, with
// its storage in a folder so that it can be killed and started again.
//
// It has the pki engine and the token, approle, cert, kubernetes and aws
// methods. Vault's licence (BUSL-1.1) lets it be used so; nothing of the product
// imports it. The build tag keeps its two thousand packages out of `go vet ./...`.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	"github.com/hashicorp/vault/builtin/credential/approle"
	aws "github.com/hashicorp/vault/builtin/credential/aws"
	"github.com/hashicorp/vault/builtin/credential/cert"
	"github.com/hashicorp/vault/builtin/logical/pki"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/vault"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8200", "address to serve on")
	data := flag.String("data", "", "folder of the storage")
	certificate := flag.String("cert", "", "file of the server's certificate, PEM")
	key := flag.String("key", "", "file of its key, PEM")
	flag.Parse()
	if err := run(*listen, *data, *certificate, *key); err != nil {
		log.Fatal("vault: ", err)
	}
}

func run(listen, data, certificate, key string) error {
	logger := hclog.New(&hclog.LoggerOptions{Name: "vault", Level: hclog.Info, Output: os.Stderr})
	store, err := file.NewFileBackend(map[string]string{"path": data}, logger)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical: store, StorageType: "file", Logger: logger, DisableMlock: true, BuiltinRegistry: registry{},
		LogicalBackends: map[string]logical.Factory{"pki": pki.Factory},
		CredentialBackends: map[string]logical.Factory{
			"approle": approle.Factory, "aws": aws.Factory, "cert": cert.Factory, "kubernetes": kubernetes.Factory},
	})
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{
			Type: "tcp", Address: listen, MaxRequestDuration: vault.DefaultMaxRequestDuration,
		}}), ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12},
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ended := make(chan error, 1)
	context.AfterFunc(ctx, func() { // as the real program: what is begun is answered
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		ended <- server.Shutdown(grace)
	})
	if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return errors.Join(<-ended, core.Shutdown())
}

// registry is the catalogue of plugins that come with Vault's own program. The
// backends above are handed to the core directly.
type registry struct{}

func (registry) Contains(string, consts.PluginType) bool { return false }

func (registry) Get(string, consts.PluginType) (func() (interface{}, error), bool) { return nil, false }

func (registry) Keys(consts.PluginType) []string { return nil }

func (registry) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, true
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
