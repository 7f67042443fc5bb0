package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/test/e2e/suite"
)

func TestPrivateKeys(t *testing.T) {
	const pkcs8 = "PRIVATE KEY"
	for _, row := range []struct {
		algorithm cmapi.PrivateKeyAlgorithm
		size      int
		encoding  cmapi.PrivateKeyEncoding
		want      string // key and PEM type
	}{
		{"", 0, "", "RSA 2048 RSA PRIVATE KEY"},
		{cmapi.RSAKeyAlgorithm, 2048, cmapi.PKCS8, "RSA 2048 " + pkcs8},
		{cmapi.RSAKeyAlgorithm, 3072, cmapi.PKCS1, "RSA 3072 RSA PRIVATE KEY"},
		{cmapi.RSAKeyAlgorithm, 4096, cmapi.PKCS8, "RSA 4096 " + pkcs8},
		{cmapi.ECDSAKeyAlgorithm, 0, "", "ECDSA 256 EC PRIVATE KEY"},
		{cmapi.ECDSAKeyAlgorithm, 256, cmapi.PKCS8, "ECDSA 256 " + pkcs8},
		{cmapi.ECDSAKeyAlgorithm, 384, cmapi.PKCS1, "ECDSA 384 EC PRIVATE KEY"},
		{cmapi.ECDSAKeyAlgorithm, 521, cmapi.PKCS8, "ECDSA 521 " + pkcs8},
		{cmapi.Ed25519KeyAlgorithm, 0, cmapi.PKCS8, "Ed25519 256 " + pkcs8},
	} {
		t.Run(fmt.Sprintf("%s-%d-%s", row.algorithm, row.size, row.encoding), func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			got := s.Issue("key", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
				crt.Spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: row.algorithm, Size: row.size, Encoding: row.encoding}
			})
			if is := describeKey(got.Key) + " " + got.KeyBlock(); is != row.want {
				t.Errorf("the key is %s, want %s", is, row.want)
			}
		})
	}
}

func describeKey(key crypto.Signer) string {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PrivateKey:
		return fmt.Sprintf("ECDSA %d", k.Curve.Params().BitSize)
	case ed25519.PrivateKey:
		return "Ed25519 256"
	}
	return fmt.Sprintf("%T", key)
}

func TestRotationPolicy(t *testing.T) {
	for policy, rotates := range map[cmapi.PrivateKeyRotationPolicy]bool{
		"":                         true,
		cmapi.RotationPolicyAlways: true,
		cmapi.RotationPolicyNever:  false,
	} {
		t.Run("policy "+string(policy), func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			first := s.Issue("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) { crt.Spec.PrivateKey.RotationPolicy = policy })
			before := s.Get("web")
			s.Renew("web")
			s.Reissued(before)
			second := s.Bundle("web")
			if first.Leaf.SerialNumber.Cmp(second.Leaf.SerialNumber) == 0 {
				t.Error("it was not issued anew")
			}
			if first.SameKey(second) == rotates {
				t.Errorf("the key is the same: %t", !rotates)
			}
		})
	}
}

func TestAKeyThatMustStayAndCannotServe(t *testing.T) {
	s := space(t)
	s.CA("ca")
	never := func(crt *cmapi.Certificate) { crt.Spec.PrivateKey.RotationPolicy = cmapi.RotationPolicyNever }
	first := s.Issue("web", suite.IssuerRef("ca"), never)
	s.Edit("web", func(crt *cmapi.Certificate) { crt.Spec.PrivateKey.Size = 384 })
	s.Mentions(s.Refused("web", "SecretMismatch"), "spec.privateKey.rotationPolicy", "Never", "Always")
	if !s.Bundle("web").Leaf.Equal(first.Leaf) {
		t.Error("the Secret was changed all the same")
	}
	s.Edit("web", func(crt *cmapi.Certificate) { crt.Spec.PrivateKey.RotationPolicy = cmapi.RotationPolicyAlways })
	s.Ready("web")
	if is := describeKey(s.Bundle("web").Key); is != "ECDSA 384" {
		t.Errorf("the key is %s after the remedy that the message names", is)
	}
}

func TestSignatureAlgorithm(t *testing.T) {
	s := space(t)
	s.SelfSigned("self")
	leaf := s.Issue("strong", suite.IssuerRef("self"), func(crt *cmapi.Certificate) {
		crt.Spec.PrivateKey.Size = 384
		crt.Spec.SignatureAlgorithm = cmapi.ECDSAWithSHA512
	}).Leaf
	if leaf.SignatureAlgorithm != x509.ECDSAWithSHA512 {
		t.Errorf("it is signed by %s", leaf.SignatureAlgorithm)
	}
}

func TestEncodingIsChangedWithoutIssuingAnew(t *testing.T) {
	s := space(t)
	s.CA("ca")
	first := s.Issue("web", suite.IssuerRef("ca"))
	s.Edit("web", func(crt *cmapi.Certificate) { crt.Spec.PrivateKey.Encoding = cmapi.PKCS8 })
	s.AwaitSecret("web", isPKCS8(s))
	s.Ready("web")
	if second := s.Bundle("web"); !second.SameKey(first) || !second.Leaf.Equal(first.Leaf) {
		t.Error("a new certificate was issued for another way to write the same key")
	}
}
