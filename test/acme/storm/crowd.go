package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/certwright/certwright/test/harness"
)

// namespaces is over how many the Certificates are spread.
const namespaces = 10

func namespace(i int) string { return fmt.Sprintf("storm-%02d", i%namespaces) }

// all are the Certificates of a storm, the hopeless evenly among the others.
func (s *storm) all() []*cmapi.Certificate {
	var all []*cmapi.Certificate
	for i := range s.certificates {
		if s.hopeless > 0 && i%(s.certificates/s.hopeless) == 0 && i/(s.certificates/s.hopeless) < s.hopeless {
			if s.hopelessHere > 0 {
				all = append(all, s.certificate(i, fmt.Sprintf("%s%03d", lostPrefix, i), "http.test"))
			}
			continue
		}
		all = append(all, s.hopeful(i))
	}
	return all
}

// hopeful is a Certificate that can be issued. Of each twenty, two are for the
// same name, which must not be proved twice at once.
func (s *storm) hopeful(i int) *cmapi.Certificate {
	host, zone := fmt.Sprintf("name-%03d", i), "http.test"
	if i%20 == 2 {
		host = fmt.Sprintf("name-%03d", i-1)
	}
	if i%100 >= 100-s.dns {
		zone = "dns.test"
	}
	return s.certificate(i, host, zone)
}

func (s *storm) certificate(i int, host, zone string) *cmapi.Certificate {
	kind := "hopeful"
	if strings.HasPrefix(host, lostPrefix) {
		kind = "hopeless"
	}
	name := fmt.Sprintf("%s-%03d", kind, i)
	return &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace(i), Name: name},
		Spec: cmapi.CertificateSpec{
			SecretName: name, DNSNames: []string{host + "." + zone},
			IssuerRef:  cmmeta.IssuerReference{Name: issuerName, Kind: cmapi.ClusterIssuerKind, Group: "cert-manager.io"},
			PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm},
		},
	}
}

func (s *storm) create(ctx context.Context, all []*cmapi.Certificate) error {
	for _, crt := range all {
		if _, err := s.stage.Clients.CertManager.CertmanagerV1().Certificates(crt.Namespace).Create(ctx, crt, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// crowd is what a watch on the Certificates has seen.
type crowd struct {
	changed chan struct{}

	mu                sync.Mutex
	hopeful, hopeless map[string]bool // those that are Ready
}

func follow(ctx context.Context, client cmclient.Interface) (*crowd, error) {
	certificates := client.CertmanagerV1().Certificates("")
	list, err := certificates.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	stream, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return certificates.Watch(ctx, options)
		},
	})
	if err != nil {
		return nil, err
	}
	c := &crowd{changed: make(chan struct{}, 1), hopeful: map[string]bool{}, hopeless: map[string]bool{}}
	go func() {
		for event := range stream.ResultChan() {
			if crt, is := event.Object.(*cmapi.Certificate); is && harness.Ready(crt) {
				c.note(crt.Name)
			}
		}
	}()
	return c, nil
}

func (c *crowd) note(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.HasPrefix(name, "hopeless") {
		c.hopeless[name] = true
	} else {
		c.hopeful[name] = true
	}
	select {
	case c.changed <- struct{}{}:
	default: // there is a wake-up on its way already
	}
}

// ready is how many are issued, of those that can be and of those that cannot.
func (c *crowd) ready() (hopeful, hopeless int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.hopeful), len(c.hopeless)
}

// await waits until so many of the hopeful are Ready, or until ctx ends, and
// returns how many are.
func (c *crowd) await(ctx context.Context, made <-chan error, want int, show func(int)) (int, error) {
	for {
		done, _ := c.ready()
		show(done)
		if done >= want {
			return done, nil
		}
		select {
		case <-c.changed:
		case err := <-made:
			if err != nil {
				return done, err
			}
			made = nil
		case <-ctx.Done():
			return done, context.Cause(ctx)
		}
	}
}
