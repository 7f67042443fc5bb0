package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// many creates so many Certificates, some at a time.
func (w *world) many(ctx context.Context, n int) error {
	names := make(chan string)
	var mu sync.Mutex
	var failed error
	var creating sync.WaitGroup
	for range 24 {
		creating.Go(func() {
			for name := range names {
				if _, err := w.certificate(ctx, "many", name, "ca", cmapi.CertificateStatus{}); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		names <- fmt.Sprintf("c%05d", i)
	}
	close(names)
	creating.Wait()
	return failed
}
