package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/gate"
	"github.com/certwright/certwright/test/harness"
)

// state is what there is of the proof at a moment.
type state struct {
	certificates map[string]cmapi.Certificate
	requests     map[string]cmapi.CertificateRequest
	issuers      map[string]cmapi.Issuer
	secrets      map[string]corev1.Secret
	orders       map[string]cmacme.Order
	challenges   map[string]cmacme.Challenge
	solvers      []string // what serves HTTP-01, and what answers DNS-01
	accounts     int      // registrations that the ACME server has answered
}

func (s *scene) take(ctx context.Context) (state, error) {
	all := metav1.ListOptions{}
	certs, acme, core := s.CertManager.CertmanagerV1(), s.CertManager.AcmeV1(), s.Kube.CoreV1()
	crts, err := certs.Certificates(namespace).List(ctx, all)
	if err != nil {
		return state{}, err
	}
	requests, err := certs.CertificateRequests(namespace).List(ctx, all)
	if err != nil {
		return state{}, err
	}
	issuers, err := certs.Issuers(namespace).List(ctx, all)
	if err != nil {
		return state{}, err
	}
	secrets, err := core.Secrets(namespace).List(ctx, all)
	if err != nil {
		return state{}, err
	}
	orders, err := acme.Orders(namespace).List(ctx, all)
	if err != nil {
		return state{}, err
	}
	challenges, err := acme.Challenges(namespace).List(ctx, all)
	if err != nil {
		return state{}, err
	}
	solvers, err := s.solvers(ctx)
	return state{
		certificates: named(crts.Items, func(c cmapi.Certificate) string { return c.Name }),
		requests:     named(requests.Items, func(c cmapi.CertificateRequest) string { return c.Name }),
		issuers:      named(issuers.Items, func(c cmapi.Issuer) string { return c.Name }),
		secrets:      named(secrets.Items, func(c corev1.Secret) string { return c.Name }),
		orders:       named(orders.Items, func(c cmacme.Order) string { return c.Name }),
		challenges:   named(challenges.Items, func(c cmacme.Challenge) string { return c.Name }),
		solvers:      solvers, accounts: s.accounts(),
	}, err
}

// accounts is how often an account was registered, or found by who would have
// registered it. Who looks for its orders asks for the account alone.
func (s *scene) accounts() (registered int) {
	for _, call := range s.parts.Gate.Calls(gate.NewAccount) {
		answered := call.Status == http.StatusCreated || call.Status == http.StatusOK
		if answered && !strings.Contains(string(call.Payload), "onlyReturnExisting") {
			registered++
		}
	}
	return registered
}

func named[T any](items []T, name func(T) string) map[string]T {
	all := map[string]T{}
	for _, item := range items {
		all[name(item)] = item
	}
	return all
}

// solvers lists what challenges leave in the cluster and in the DNS.
func (s *scene) solvers(ctx context.Context) (found []string, err error) {
	pods, err := s.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, pod := range pods.Items {
		found = append(found, "Pod "+pod.Name)
	}
	services, err := s.Kube.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, service := range services.Items {
		found = append(found, "Service "+service.Name)
	}
	ingresses, err := s.Kube.NetworkingV1().Ingresses(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, ingress := range ingresses.Items {
		if ingress.Name != "shop" && ingress.Name != "cluster" {
			found = append(found, "Ingress "+ingress.Name)
		}
	}
	records, err := s.parts.DNS.TXT()
	for _, record := range records {
		found = append(found, "TXT record "+record)
	}
	return found, err
}

// untilQuiet waits until nothing changes any more.
func (s *scene) untilQuiet(ctx context.Context) error {
	const quiet = 8 * time.Second // longer than any pause between two steps of either
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	was, since := "", time.Now()
	for time.Since(since) < quiet {
		now, err := s.versions(ctx)
		if err != nil {
			return fmt.Errorf("it does not come to rest: %w", err)
		}
		if now != was {
			was, since = now, time.Now()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it does not come to rest: %w", ctx.Err())
		case <-time.After(300 * time.Millisecond):
		}
	}
	return nil
}

func (s *scene) versions(ctx context.Context) (string, error) {
	now, err := s.take(ctx)
	if err != nil {
		return "", err
	}
	var all []string
	for name, o := range now.certificates {
		all = append(all, name+o.ResourceVersion)
	}
	for name, o := range now.secrets {
		all = append(all, name+o.ResourceVersion)
	}
	for name, o := range now.requests {
		all = append(all, name+o.ResourceVersion)
	}
	for name, o := range now.challenges {
		all = append(all, name+o.ResourceVersion)
	}
	slices.Sort(all)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(append(all, now.solvers...), " ")))), nil
}

// issued are the Certificates whose Secret holds what they ask for.
func (st state) issued() (names []string) {
	for name, crt := range st.certificates {
		if harness.Ready(&crt) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (st state) halfway() (names []string) {
	for name, crt := range st.certificates {
		if !harness.Ready(&crt) && len(st.secrets[crt.Spec.SecretName].Data[corev1.TLSCertKey]) == 0 {
			names = append(names, name)
		}
	}
	return names
}

// reissued tells which Certificates issued before have another certificate, key
// or revision now.
func (st state) reissued(before state) (said []string) {
	for _, name := range before.issued() {
		was, is := before.certificates[name], st.certificates[name]
		old, current := before.secrets[was.Spec.SecretName], st.secrets[is.Spec.SecretName]
		switch {
		case !bytes.Equal(old.Data[corev1.TLSCertKey], current.Data[corev1.TLSCertKey]):
			said = append(said, name+" has another certificate")
		case !bytes.Equal(old.Data[corev1.TLSPrivateKeyKey], current.Data[corev1.TLSPrivateKeyKey]):
			said = append(said, name+" has another key")
		case harness.Revision(&was) != harness.Revision(&is):
			said = append(said, fmt.Sprintf("%s is at revision %d and was at %d", name, harness.Revision(&is), harness.Revision(&was)))
		}
	}
	return said
}
