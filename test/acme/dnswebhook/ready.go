package dnswebhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Stop ends the program, as the loss of its node would.
func (s *Solver) Stop() { s.process.Stop() }

// Start starts the program again, and waits until the API server serves what it
// serves.
func (s *Solver) Start(ctx context.Context) error {
	if err := s.process.Start(); err != nil {
		return err
	}
	return s.await(ctx)
}

// await waits until the program is ready and the API server knows it, which
// looks after an API that was away every half a minute, but at once where its
// APIService is changed.
func (s *Solver) await(ctx context.Context) error {
	if err := s.process.Until(ctx, s.itself); err != nil {
		return err
	}
	touch := fmt.Appendf(nil, `{"metadata": {"annotations": {"test": "%d"}}}`, time.Now().UnixNano())
	_, err := s.clients.Dynamic.Resource(apiServices).Patch(ctx, s.apiService(), types.MergePatchType, touch, metav1.PatchOptions{})
	if err != nil {
		return err
	}
	return s.process.Until(ctx, s.served)
}

// itself asks the program at its port whether it is ready.
func itself(ca []byte, port int) (func(context.Context) error, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("the Secret with its certificate has no ca.crt")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "solver"}, DisableKeepAlives: true}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/readyz", port), nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz answers %s", response.Status)
		}
		return nil
	}, nil
}

// served asks the API server for what it serves of the solver's group.
func (s *Solver) served(ctx context.Context) error {
	return s.clients.Kube.CoreV1().RESTClient().Get().AbsPath("/apis", s.Group, "v1alpha1").Do(ctx).Error()
}

func (s *Solver) apiService() string { return "v1alpha1." + s.Group }
