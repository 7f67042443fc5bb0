package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

const day = 24 * time.Hour

// authority is a CA made without the product, or a certificate by one. With
// RSA it looks as BTP Manager makes it: PKCS#1, without a subject.
type authority struct {
	cert            *x509.Certificate
	key             crypto.Signer
	rsa             bool
	certPEM, keyPEM []byte
}

func newAuthority(t *testing.T, asRSA bool, life time.Duration) *authority {
	return issue(t, nil, asRSA, &x509.Certificate{
		IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, life)
}

func (a *authority) server(t *testing.T, asRSA bool, life time.Duration, names ...string) *authority {
	return issue(t, a, asRSA, &x509.Certificate{
		DNSNames: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, life)
}

func issue(t *testing.T, by *authority, asRSA bool, template *x509.Certificate, life time.Duration) *authority {
	t.Helper()
	key, keyPEM := newKey(t, asRSA)
	template.SerialNumber, template.BasicConstraintsValid = big.NewInt(time.Now().UnixNano()), true
	template.NotBefore, template.NotAfter = time.Now().Add(-day), time.Now().Add(life)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &authority{cert, key, asRSA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), keyPEM}
}

func newKey(t *testing.T, asRSA bool) (crypto.Signer, []byte) {
	t.Helper()
	if asRSA {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		must(t, err)
		return key, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.MarshalECPrivateKey(key)
	must(t, err)
	return key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

// pairFault tells why a certificate and a key are no pair.
func pairFault(certPEM, keyPEM []byte) string {
	if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
		return err.Error()
	}
	return ""
}

// verifies tells why an API server with this bundle would not accept a server.
func verifies(bundle, chain []byte, name string) string {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	block, _ := pem.Decode(chain)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err == nil {
		_, err = cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
