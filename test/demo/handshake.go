package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	corev1 "k8s.io/api/core/v1"
)

// met is what two sides learnt of each other.
type met struct {
	server, client, protocol string
}

// shakeHands makes a real TLS connection: a server with the one Secret's key and
// chain, a client with the other's, each trusting only the ca.crt of its own.
func shakeHands(ctx context.Context, serving, calling *corev1.Secret) (met, error) {
	listener, err := listen(serving)
	if err != nil {
		return met{}, err
	}
	defer listener.Close()
	served := make(chan result, 1)
	go func() { served <- accept(ctx, listener) }()
	seen, err := call(ctx, listener.Addr().String(), calling)
	if err != nil {
		return met{}, fmt.Errorf("the client refused: %w", err)
	}
	answer := <-served
	if answer.err != nil {
		return met{}, fmt.Errorf("the server refused: %w", answer.err)
	}
	seen.client = describe(answer.state)
	return seen, nil
}

func listen(secret *corev1.Secret) (net.Listener, error) {
	own, trusted, err := files(secret)
	if err != nil {
		return nil, err
	}
	return tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{own}, ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert,
	})
}

type result struct {
	state tls.ConnectionState
	err   error
}

func accept(ctx context.Context, listener net.Listener) result {
	conn, err := listener.Accept()
	if err != nil {
		return result{err: err}
	}
	defer conn.Close()
	secure := conn.(*tls.Conn)
	if err := secure.HandshakeContext(ctx); err != nil {
		return result{err: err}
	}
	// A TLS 1.3 client is done before the server has judged its certificate; a
	// byte tells it the verdict.
	_, err = secure.Write([]byte{1})
	return result{state: secure.ConnectionState(), err: err}
}

func call(ctx context.Context, address string, secret *corev1.Secret) (met, error) {
	own, trusted, err := files(secret)
	if err != nil {
		return met{}, err
	}
	dialer := &tls.Dialer{Config: &tls.Config{
		Certificates: []tls.Certificate{own}, RootCAs: trusted, ServerName: serverName,
	}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return met{}, err
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return met{}, err
	}
	state := conn.(*tls.Conn).ConnectionState()
	return met{
		server:   describe(state),
		protocol: tls.VersionName(state.Version) + ", " + tls.CipherSuiteName(state.CipherSuite),
	}, nil
}

func files(secret *corev1.Secret) (tls.Certificate, *x509.CertPool, error) {
	own, err := pair(secret)
	if err != nil {
		return own, nil, fmt.Errorf("secret %s: %w", secret.Name, err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(secret.Data["ca.crt"]) {
		return own, nil, errors.New("secret " + secret.Name + ": ca.crt holds no certificate")
	}
	return own, trusted, nil
}

// pair reads key and certificate and checks that they belong together.
func pair(secret *corev1.Secret) (tls.Certificate, error) {
	return tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
}

// describe renders the verified chain, leaf first.
func describe(state tls.ConnectionState) string {
	text := ""
	for i, certificate := range state.VerifiedChains[0] {
		if i > 0 {
			text += ", signed by "
		}
		text += fmt.Sprintf("%q", nameOf(certificate))
	}
	return text
}

func nameOf(certificate *x509.Certificate) string {
	switch {
	case len(certificate.URIs) > 0:
		return certificate.URIs[0].String()
	case len(certificate.DNSNames) > 0:
		return certificate.DNSNames[0]
	default:
		return certificate.Subject.CommonName
	}
}

func serial(secret *corev1.Secret) string {
	own, err := pair(secret)
	if err != nil {
		return "(unreadable: " + err.Error() + ")"
	}
	return fmt.Sprintf("%x", own.Leaf.SerialNumber)
}
