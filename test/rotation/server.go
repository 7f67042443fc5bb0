package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	admissionreview "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// server is a webhook server in a pod, with its kubelet: it serves what the
// Secret held a moment ago.
type server struct {
	kube     kubernetes.Interface
	listener net.Listener
	http     *http.Server
	served   atomic.Pointer[tls.Certificate]
}

func newServer(kube kubernetes.Interface) (*server, error) {
	s := &server{kube: kube}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	config := &tls.Config{GetCertificate: s.certificate, MinVersion: tls.VersionTLS12}
	s.listener = tls.NewListener(listener, config)
	s.http = &http.Server{Handler: http.HandlerFunc(admit), ErrorLog: log.New(nowhere{}, "", 0), ReadHeaderTimeout: 10 * time.Second}
	// Every call shakes hands anew: a connection that is kept would go on under
	// the certificate it began with, and hide what this is to show.
	s.http.SetKeepAlivesEnabled(false)
	go func() { _ = s.http.Serve(s.listener) }() // until close
	return s, nil
}

type nowhere struct{}

// Write drops complaints about refused handshakes: the client counts them.
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (s *server) url() string { return "https://" + s.listener.Addr().String() + "/validate" }

func (s *server) close() { _ = s.http.Close() }

func (s *server) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := s.served.Load(); c != nil {
		return c, nil
	}
	return nil, errors.New("no certificate yet")
}

// follow is the kubelet and the certwatcher: it looks at the Secret now and
// then, and what it finds is served some time later.
func (s *server) follow(ctx context.Context) {
	last := ""
	for ctx.Err() == nil {
		secret, err := s.kube.CoreV1().Secrets(namespace).Get(ctx, tlsSecret, metav1.GetOptions{})
		if err == nil && secret.ResourceVersion != last {
			last = secret.ResourceVersion
			delay := time.Second + time.Duration(rand.Int64N(int64(2*time.Second)))
			time.AfterFunc(delay, func() { s.load(secret) })
			<-time.After(delay) // one change after the other, as a kubelet does
		}
		<-time.After(20 * time.Millisecond)
	}
}

// load keeps the pair that is served when the new one cannot be used.
func (s *server) load(secret *corev1.Secret) {
	pair, err := tls.X509KeyPair(secret.Data["tls.crt"], secret.Data["tls.key"])
	if err == nil {
		s.served.Store(&pair)
	}
}

// admit allows everything.
func admit(w http.ResponseWriter, r *http.Request) {
	var review admissionreview.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil {
		http.Error(w, "no review", http.StatusBadRequest)
		return
	}
	review.Response = &admissionreview.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	review.Request = nil
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review) // the API server reports what it misses
}
