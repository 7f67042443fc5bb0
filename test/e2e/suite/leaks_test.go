package suite

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
)

// TestNeedlesFindAKeyInEveryShape: a search that finds nothing must be able to
// find something.
func TestNeedlesFindAKeyInEveryShape(t *testing.T) {
	for name, keyPEM := range keys(t) {
		block, _ := pem.Decode(keyPEM)
		for shape, text := range map[string]string{
			"PEM":    strings.ReplaceAll(string(keyPEM), "\n", ""),
			"data":   base64.StdEncoding.EncodeToString(keyPEM),
			"bytes":  fmt.Sprint(block.Bytes),
			"hex":    fmt.Sprintf("%x", block.Bytes),
			"base64": base64.StdEncoding.EncodeToString(block.Bytes),
		} {
			if !containsAny(text, needles(keyPEM)) {
				t.Errorf("%s as %s is not found", name, shape)
			}
		}
		if containsAny("nothing in here", needles(keyPEM)) {
			t.Errorf("%s is found where it is not", name)
		}
	}
}

func containsAny(text string, needles []string) bool {
	for _, needle := range needles {
		if strings.Contains(text, needle) {
			return true
		}
	}
	return false
}

func keys(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for name, key := range map[string]crypto.Signer{
		"RSA": rsaKey(t), "P-256": ecKey(t, elliptic.P256()), "P-521": ecKey(t, elliptic.P521()), "Ed25519": edKey(t),
	} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	der, err := x509.MarshalECPrivateKey(ecKey(t, elliptic.P384()))
	if err != nil {
		t.Fatal(err)
	}
	all["SEC 1"] = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	all["PKCS#1"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey(t))})
	return all
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func edKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
