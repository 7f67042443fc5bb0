//go:build linux

// Command inside is what the proof runs in containers beside certwright: the
// pause of every pod, and a server that stands for an operator's webhook.
//
//	inside pause              holds a pod's namespaces until it is told to end
//	inside serve ADDRESS DIR  serves TLS with DIR/tls.crt and DIR/tls.key, as they are by then
package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "inside:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "pause":
		return pause()
	case len(args) == 3 && args[0] == "serve":
		return serve(args[1], args[2])
	}
	return errors.New("say pause, or serve ADDRESS DIR")
}

// pause also buries what dies in the pod's processes and has no parent left.
func pause() error {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for s := range told {
		if s != syscall.SIGCHLD {
			return nil
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
	return nil
}

// serve fails at once without the files: whoever starts it sees to it that they
// are there.
func serve(address, dir string) error {
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
		return &pair, err
	}
	if _, err := load(); err != nil {
		return fmt.Errorf("the files were not there at the start: %w", err)
	}
	server := &http.Server{
		Addr: address, ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "served") }),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return load()
		}},
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-told
		_ = server.Close() // nobody is in the middle of anything
	}()
	if err := server.ListenAndServeTLS("", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
