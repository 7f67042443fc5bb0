package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/nameserver"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/harness"
)

// Names of the ACME part.
const (
	acmeIssuer  = "acme"
	publicShop  = "public-shop"
	wildcardCrt = "public-wildcard"
)

// acmeIssuer makes an issuer with a solver for each of the two ways.
func (s *scene) acmeIssuer(ctx context.Context) error {
	s.title("An ACME issuer, with solvers for HTTP-01 and DNS-01")
	s.say("pebble, an ACME server, answers at %s; %s for the zone %s", s.parts.Gate.Directory(), s.dnsName(), nameserver.DNSZone)
	clients := s.stage.Clients
	if _, err := clients.Kube.CoreV1().Secrets(namespace).Create(ctx, parts.TSIG(namespace, s.parts.DNS.Key), metav1.CreateOptions{}); err != nil {
		return err
	}
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: acmeIssuer}}
	issuer.Spec.IssuerConfig = s.parts.Issuer(s.parts.Gate, "acme-account", parts.HTTP01(), s.parts.DNS01(nameserver.DNSZone))
	if _, err := clients.CertManager.CertmanagerV1().Issuers(namespace).Create(ctx, issuer, metav1.CreateOptions{}); err != nil {
		return err
	}
	start := time.Now()
	ready, err := clients.Issuers().Until(ctx, namespace, acmeIssuer, func(i *cmapi.Issuer) bool {
		ready, _, _ := harness.IssuerReady(i.Status)
		return ready
	})
	if err != nil {
		return err
	}
	s.say("its account %s was registered %s later", ready.Status.ACME.URI, harness.Elapsed(time.Since(start)))
	return nil
}

func (s *scene) dnsName() string {
	if s.parts.DNS.Program == "BIND" {
		return "BIND"
	}
	return "a small DNS server of the demo's"
}

func (s *scene) acmeHTTP(ctx context.Context) error {
	s.title("A certificate through HTTP-01: an Ingress leads the ACME server to the daemon")
	return s.obtain(ctx, publicShop, "shop."+nameserver.HTTPZone)
}

func (s *scene) acmeDNS(ctx context.Context) error {
	s.title("A wildcard through DNS-01: a TXT record shows the ACME server whose zone it is")
	return s.obtain(ctx, wildcardCrt, "*."+nameserver.DNSZone, nameserver.DNSZone)
}

// obtain makes a Certificate and shows what was in place meanwhile, and what
// its Secret holds.
func (s *scene) obtain(ctx context.Context, name string, names ...string) error {
	crt := &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	crt.Spec = cmapi.CertificateSpec{
		SecretName: name, DNSNames: names,
		IssuerRef:  cmmeta.IssuerReference{Name: acmeIssuer},
		PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm},
	}
	start := time.Now()
	if _, err := s.stage.Clients.CertManager.CertmanagerV1().Certificates(namespace).Create(ctx, crt, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := s.stage.Clients.Certificates().Until(ctx, namespace, name, harness.Ready); err != nil {
		return err
	}
	took := time.Since(start)
	secret, err := s.secret(ctx, name)
	if err != nil {
		return err
	}
	held, err := pair(secret)
	if err != nil {
		return fmt.Errorf("secret %s: %w", name, err)
	}
	s.say("%s for %s, signed by %q", harness.Elapsed(took), strings.Join(held.Leaf.DNSNames, " and "), held.Leaf.Issuer.CommonName)
	proved, err := s.provedBy(ctx, name)
	if err != nil {
		return err
	}
	for _, line := range proved {
		s.say("%s", line)
	}
	return nil
}

// provedBy reads from the Events how each name was proved.
func (s *scene) provedBy(ctx context.Context, name string) ([]string, error) {
	events, err := s.stage.Clients.Kube.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=DomainVerified"})
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, event := range events.Items {
		if strings.HasPrefix(event.InvolvedObject.Name, name+"-") {
			lines = append(lines, event.Message)
		}
	}
	if len(lines) == 0 {
		return nil, errors.New("no Event tells how a name was proved")
	}
	return lines, nil
}
