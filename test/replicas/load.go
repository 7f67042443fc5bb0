package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// crowd is the Certificates that a watch has seen become Ready. It reads only
// what tells that: it shares the cores with what is measured.
type crowd struct {
	mu    sync.Mutex
	ready map[string]bool
	err   error
}

// follow begins to watch all Certificates of the cluster. A watch that the API
// server ends is begun anew, with all that there is.
func follow(ctx context.Context, clients *harness.Clients) (*crowd, error) {
	open := func() (io.ReadCloser, error) {
		return clients.CertManager.CertmanagerV1().RESTClient().Get().Resource("certificates").
			VersionedParams(&metav1.ListOptions{Watch: true}, metav1.ParameterCodec).Stream(ctx)
	}
	stream, err := open()
	if err != nil {
		return nil, fmt.Errorf("watch Certificates: %w", err)
	}
	c := &crowd{ready: map[string]bool{}}
	go func() {
		for err == nil {
			c.read(stream)
			_ = stream.Close() // it has been read to its end
			stream, err = open()
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.err = err
	}()
	return c, nil
}

func (c *crowd) read(stream io.Reader) {
	events := json.NewDecoder(stream)
	for {
		var event struct {
			Object struct {
				Metadata struct{ Name string }
				Status   struct {
					Conditions []struct{ Type, Status string }
				}
			}
		}
		if events.Decode(&event) != nil {
			return
		}
		for _, condition := range event.Object.Status.Conditions {
			if condition.Type == "Ready" && condition.Status == "True" {
				c.mu.Lock()
				c.ready[event.Object.Metadata.Name] = true
				c.mu.Unlock()
			}
		}
	}
}

// of is how many with that prefix are Ready.
func (c *crowd) of(prefix string) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range c.ready {
		if strings.HasPrefix(name, prefix) {
			n++
		}
	}
	return n, c.err
}

// await waits until n with that prefix are Ready, or until ctx ends.
func (c *crowd) await(ctx context.Context, prefix string, n int, show func(int)) (int, error) {
	look := time.NewTicker(20 * time.Millisecond) // counting at each event would cost more than they do
	defer look.Stop()
	for {
		done, err := c.of(prefix)
		show(done)
		if done >= n {
			return done, nil
		}
		if err != nil {
			return done, fmt.Errorf("the watch of Certificates ended: %w", err)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return done, context.Cause(ctx)
		}
	}
}

// creators is how many Certificates are created at a time.
const creators = 4

// issue makes n Certificates and waits until they are Ready.
func (s *scene) issue(ctx context.Context, prefix string, n int) (issued int, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	bodies, err := bodiesOf(prefix, n)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := s.create(ctx, bodies, 0); err != nil {
		return 0, 0, err
	}
	issued, err = s.crowd.await(ctx, prefix+"-", n, func(done int) { s.progress.Bar("issued", done, n) })
	return issued, time.Since(began), err
}

func bodiesOf(prefix string, n int) ([][]byte, error) {
	bodies := make([][]byte, n)
	for i := range bodies {
		name := fmt.Sprintf("%s-%04d", prefix, i)
		body, err := json.Marshal(certificate(namespace(i), name, cmmeta.IssuerReference{Name: issuerName, Kind: cmapi.IssuerKind, Group: "cert-manager.io"}))
		if err != nil {
			return nil, err
		}
		bodies[i] = body
	}
	return bodies, nil
}

func certificate(ns, name string, issuer cmmeta.IssuerReference) *cmapi.Certificate {
	return &cmapi.Certificate{
		TypeMeta:   metav1.TypeMeta{APIVersion: cmapi.SchemeGroupVersion.String(), Kind: cmapi.CertificateKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
		Spec: cmapi.CertificateSpec{
			SecretName: name, DNSNames: []string{name + ".http.test"}, IssuerRef: issuer,
			PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256},
		},
	}
}

// create sends the bodies, some at a time, and with a pause after each where
// one is given.
func (s *scene) create(ctx context.Context, bodies [][]byte, pause time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var workers sync.WaitGroup
	client := s.stage.Clients.CertManager.CertmanagerV1().RESTClient()
	for range creators {
		workers.Go(func() {
			for i := range numbers {
				if err := client.Post().Namespace(namespace(i)).Resource("certificates").Body(bodies[i]).Do(ctx).Error(); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range bodies {
		if ctx.Err() != nil {
			break
		}
		numbers <- i
		if pause > 0 {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
	close(numbers)
	workers.Wait()
	return context.Cause(ctx)
}
