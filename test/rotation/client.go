package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// client creates objects that the webhook is asked about. A dry run asks it
// all the same, and leaves nothing behind.
type client struct {
	kube    kubernetes.Interface
	ended   chan struct{}
	stopped sync.Once

	mu               sync.Mutex
	requests, failed int
	first            error
}

func newClient(kube kubernetes.Interface) *client {
	return &client{kube: kube, ended: make(chan struct{})}
}

func (c *client) create(ctx context.Context) error {
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "object-", Namespace: namespace}}
	_, err := c.kube.CoreV1().ConfigMaps(namespace).Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

// untilWorks waits until the webhook can be called for the first time.
func (c *client) untilWorks(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := c.create(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the webhook was never called with success: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// run creates without pause until stop.
func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-c.ended:
			return
		default:
			c.note(c.create(ctx))
		}
	}
}

func (c *client) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	if err != nil {
		c.failed++
		if c.first == nil {
			c.first = err
		}
	}
}

// some waits for a number of further requests.
func (c *client) some(ctx context.Context, more int) error {
	begin, _ := c.count()
	for {
		if now, _ := c.count(); now >= begin+more {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (c *client) count() (requests, failed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests, c.failed
}

func (c *client) firstFailure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first
}

func (c *client) stop() { c.stopped.Do(func() { close(c.ended) }) }
