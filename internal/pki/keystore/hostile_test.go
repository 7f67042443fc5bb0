package keystore

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Data that would make a library reserve gigabytes, count for hours or panic is
// no match, and quickly so.
func TestHostileData(t *testing.T) {
	t.Parallel()
	content := newContent(t, cmapi.ECDSAKeyAlgorithm)
	jks, p12 := JKS{Password: password}, PKCS12{Password: password, Profile: cmapi.Modern2023PKCS12Profile}
	goodJKS, goodP12 := mustKeystore(t, jks, content), mustKeystore(t, p12, content)
	header := binary.BigEndian.AppendUint32(nil, 0xfeedfeed)
	header = binary.BigEndian.AppendUint32(header, 2)
	number := func(b []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(bytes.Clone(b), n) }
	trusted := append(number(number(header, 1), 2), 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'X')
	manyCerts := append(number(number(header, 1), 1), 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

	for name, data := range map[string][]byte{
		"nothing":            nil,
		"text":               []byte("hello"),
		"large":              make([]byte, 1<<21),
		"JKS cut":            goodJKS[:len(goodJKS)-1],
		"JKS longer":         append(bytes.Clone(goodJKS), 0),
		"JKS, 4G entries":    number(header, 1<<32-1),
		"JKS, 4G content":    number(trusted, 1<<32-1),
		"JKS, 4G chain":      number(manyCerts, 1<<32-1),
		"PKCS12 cut":         goodP12[:len(goodP12)-1],
		"PKCS12, 4G rounds":  bytes.ReplaceAll(goodP12, []byte{2, 2, 8, 0}, []byte{2, 2, 0x7f, 0xff})[:len(goodP12)-4],
		"PKCS12, many bytes": append(bytes.Clone(goodP12), goodP12...),
	} {
		began := time.Now()
		for _, f := range []Format{jks, p12, PKCS12{Password: password}} {
			if f.HasKeystore(data, content) || f.HasTruststore(data, content) {
				t.Errorf("%s is a match", name)
			}
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// A file may ask for as many rounds of key derivation as it likes; here it gets
// none of them beyond a bound.
func TestTooManyRounds(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{1: true, 2048: true, 100_000: true, 100_001: false, 1 << 40: false} {
		der := derInteger(n)
		for range 3 { // as deep as rounds stand in a file
			der = append([]byte{0x30, byte(len(der))}, der...)
			der = append([]byte{0x04, byte(len(der))}, der...)
		}
		if got := modestNumbers(der, 0); got != want {
			t.Errorf("%d rounds: %t", n, got)
		}
	}
	if modestNumbers([]byte{2, 1, 0xff}, 0) {
		t.Error("a negative number is modest")
	}
	deep := []byte{0x30, 0}
	for range 40 {
		deep = append([]byte{0x30, byte(len(deep))}, deep...)
	}
	if modestNumbers(deep, 0) {
		t.Error("forty levels are taken")
	}
}

func derInteger(n int) []byte {
	out := []byte{2, 6, 0, 0, 0, 0, 0, 0}
	for i := range 6 {
		out[7-i] = byte(n >> (8 * i))
	}
	for out[1] > 1 && out[2] == 0 && out[3] < 0x80 {
		out = append(out[:2], out[3:]...)
		out[1]--
	}
	return out
}

func FuzzHasJKS(f *testing.F) {
	content := newContent(f, cmapi.Ed25519KeyAlgorithm)
	j := JKS{Password: password}
	f.Add(mustKeystore(f, j, content))
	f.Add(mustTruststore(f, j, content))
	f.Fuzz(func(t *testing.T, data []byte) {
		if j.HasKeystore(data, content) && j.HasTruststore(data, content) {
			t.Fatal("keystore and truststore in one")
		}
	})
}

func FuzzHasPKCS12(f *testing.F) {
	content := newContent(f, cmapi.Ed25519KeyAlgorithm)
	profiles := []cmapi.PKCS12Profile{"LegacyRC2", "LegacyDES", "Modern2023", "Modern2026"}
	for _, p := range profiles {
		f.Add(mustKeystore(f, PKCS12{Password: password, Profile: p}, content))
		f.Add(mustTruststore(f, PKCS12{Password: password, Profile: p}, content))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		began := time.Now()
		for _, p := range profiles {
			format := PKCS12{Password: password, Profile: p}
			if format.HasKeystore(data, content) && format.HasTruststore(data, content) {
				t.Fatal("keystore and truststore in one")
			}
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("took %s", took)
		}
	})
}
