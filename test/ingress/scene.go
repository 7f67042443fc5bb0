package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/netns"
	"github.com/certwright/certwright/test/acme/traefik"
	"github.com/certwright/certwright/test/harness"
)

// scene is the parts of one proof.
type scene struct {
	progress *harness.Progress
	stage    *harness.Stage
	traefik  *traefik.Controller
	ca       *harness.Authority
	server   *http.Server
}

func prove(ctx context.Context, progress *harness.Progress) (err error) {
	s := &scene{progress: progress}
	defer func() {
		if err != nil && s.stage != nil {
			err = fmt.Errorf("%w\n%s%s", err, s.stage.Logs(), s.trouble())
		}
		err = errors.Join(err, s.close())
	}()
	if err := s.build(ctx); err != nil {
		return err
	}
	return s.play(ctx)
}

// build starts the daemon before there is a Gateway API.
func (s *scene) build(ctx context.Context) (err error) {
	files, err := os.MkdirTemp("", "certwright-prove-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(files)
	if err := netns.Furnish(ctx, files); err != nil {
		return err
	}
	if s.stage, err = harness.Open(ctx, harness.StageOptions{Log: s.progress}); err != nil {
		return err
	}
	if _, err = s.stage.Daemon(ctx, "certwright", "--enable-gateway-api", "--enable-gateway-api-listenerset"); err != nil {
		return err
	}
	if err := s.serve(); err != nil {
		return err
	}
	if err := traefik.Prepare(ctx, s.stage.Clients); err != nil {
		return err
	}
	dir := filepath.Join(s.stage.Dir, "traefik")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	s.traefik, err = traefik.Start(ctx, traefik.Options{Log: s.progress, Dir: dir, Kubeconfig: s.stage.Cluster.Kubeconfig(), Host: netns.Address})
	return errors.Join(err, s.issuer(ctx))
}

// serve is the application: it answers with the name it was asked for.
func (s *scene) serve() error {
	listener, err := net.Listen("tcp", netns.Address+":8000")
	if err != nil {
		return err
	}
	s.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "hello from "+r.Host) // a client that is gone needs none
	})}
	go func() { _ = s.server.Serve(listener) }() // until close
	return nil
}

func (s *scene) issuer(ctx context.Context) (err error) {
	c := s.stage.Clients
	if err := c.EnsureNamespace(ctx, namespace); err != nil {
		return err
	}
	if s.ca, err = harness.NewRoot("the shop's CA"); err != nil {
		return err
	}
	secret, err := s.ca.Secret(namespace, "ca")
	if err != nil {
		return err
	}
	if _, err := c.Kube.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Name: "ca"}, Spec: cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "ca"}}}}
	_, err = c.CertManager.CertmanagerV1().Issuers(namespace).Create(ctx, issuer, metav1.CreateOptions{})
	return err
}

func (s *scene) play(ctx context.Context) error {
	began := time.Now()
	if err := s.apply(ctx, manifests()); err != nil {
		return err
	}
	first := map[string]*big.Int{}
	for _, r := range routes {
		serial, err := s.verified(ctx, r.host, nil)
		if err != nil {
			return err
		}
		first[r.host] = serial
		s.progress.Line("%-20s verified %s after it was applied", r.host, harness.Elapsed(time.Since(began)))
	}
	if err := s.shared(ctx); err != nil {
		return err
	}
	if err := s.renew(ctx); err != nil {
		return err
	}
	renewed := 0
	for _, r := range routes {
		if _, err := s.verified(ctx, r.host, first[r.host]); err != nil {
			return fmt.Errorf("after the renewal: %w", err)
		}
		renewed++
	}
	s.progress.Line("routes %d verified %d after-renewal %d", len(routes), len(first), renewed)
	return nil
}

func (s *scene) apply(ctx context.Context, text string) error {
	objects, err := harness.ParseManifests([]byte(text))
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := s.stage.Clients.Apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// shared makes sure that two Ingresses have one Certificate, for both names.
func (s *scene) shared(ctx context.Context) error {
	crt, err := s.stage.Clients.Certificates().Until(ctx, namespace, "shared-tls", func(crt *cmapi.Certificate) bool {
		return harness.Ready(crt) && len(crt.Spec.DNSNames) == 2 && len(crt.OwnerReferences) == 2
	})
	if err != nil {
		return err
	}
	s.progress.Line("%s is one Certificate of %s and %s", crt.Name, crt.OwnerReferences[0].Name, crt.OwnerReferences[1].Name)
	return nil
}

// renew renews everything as a user does.
func (s *scene) renew(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, s.stage.Binary, "renew", "--all", "--namespace", namespace)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.stage.Cluster.Kubeconfig())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("certwright renew: %w: %s", err, out)
	}
	return nil
}

// verified asks until a name is served by a certificate of the CA whose serial
// is not the one before, and returns its serial.
func (s *scene) verified(ctx context.Context, host string, before *big.Int) (*big.Int, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		serial, err := s.get(ctx, host)
		if err == nil && (before == nil || serial.Cmp(before) != 0) {
			return serial, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if err == nil {
				err = errors.New("the certificate of before is still served")
			}
			return nil, fmt.Errorf("GET https://%s/: %w", host, err)
		}
	}
}

func (s *scene) get(ctx context.Context, host string) (*big.Int, error) {
	roots := x509.NewCertPool()
	roots.AddCert(s.ca.Root())
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, netns.Address+":443")
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+"/", nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK || string(body) != "hello from "+host {
		return nil, fmt.Errorf("%s: %.200s", response.Status, body)
	}
	return response.TLS.PeerCertificates[0].SerialNumber, nil
}

// trouble is what helps to see why a proof failed.
func (s *scene) trouble() string {
	var b strings.Builder
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	events, err := s.stage.Clients.Kube.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	for _, e := range events.Items {
		fmt.Fprintf(&b, "%s %s: %s %s %s\n", e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Type, e.Reason, e.Message)
	}
	if s.traefik != nil {
		log := s.traefik.Log()
		b.WriteString(log[max(0, len(log)-5000):])
	}
	return b.String()
}

func (s *scene) close() error {
	if s.traefik != nil {
		s.traefik.Stop()
	}
	var err error
	if s.server != nil {
		err = s.server.Close()
	}
	if s.stage != nil {
		err = errors.Join(err, s.stage.Close())
	}
	return err
}
