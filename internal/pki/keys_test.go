package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
)

func TestKeySpecOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key  *cmapi.CertificatePrivateKey
		want KeySpec
		err  string
	}{
		"nothing set":         {nil, KeySpec{"RSA", 2048}, ""},
		"empty":               {&cmapi.CertificatePrivateKey{}, KeySpec{"RSA", 2048}, ""},
		"RSA":                 {&cmapi.CertificatePrivateKey{Algorithm: "RSA"}, KeySpec{"RSA", 2048}, ""},
		"RSA by size":         {&cmapi.CertificatePrivateKey{Size: 3000}, KeySpec{"RSA", 3000}, ""},
		"RSA largest":         {&cmapi.CertificatePrivateKey{Algorithm: "RSA", Size: 8192}, KeySpec{"RSA", 8192}, ""},
		"RSA too small":       {&cmapi.CertificatePrivateKey{Size: 2047}, KeySpec{}, "spec.privateKey.size: an RSA key of 2047 bits is not allowed: use a size from 2048 to 8192, or leave it out for 2048"},
		"RSA too large":       {&cmapi.CertificatePrivateKey{Size: 8193}, KeySpec{}, "spec.privateKey.size: an RSA key of 8193 bits is not allowed: use a size from 2048 to 8192, or leave it out for 2048"},
		"RSA negative":        {&cmapi.CertificatePrivateKey{Size: -1}, KeySpec{}, "spec.privateKey.size: an RSA key of -1 bits is not allowed: use a size from 2048 to 8192, or leave it out for 2048"},
		"ECDSA":               {&cmapi.CertificatePrivateKey{Algorithm: "ECDSA"}, KeySpec{"ECDSA", 256}, ""},
		"ECDSA 521":           {&cmapi.CertificatePrivateKey{Algorithm: "ECDSA", Size: 521}, KeySpec{"ECDSA", 521}, ""},
		"ECDSA no such curve": {&cmapi.CertificatePrivateKey{Algorithm: "ECDSA", Size: 512}, KeySpec{}, "spec.privateKey.size: there is no ECDSA curve of 512 bits: use 256, 384 or 521, or leave it out for 256"},
		"Ed25519":             {&cmapi.CertificatePrivateKey{Algorithm: "Ed25519"}, KeySpec{"Ed25519", 0}, ""},
		"Ed25519 size":        {&cmapi.CertificatePrivateKey{Algorithm: "Ed25519", Size: 4096}, KeySpec{"Ed25519", 0}, ""},
		"unknown":             {&cmapi.CertificatePrivateKey{Algorithm: "DSA"}, KeySpec{}, "spec.privateKey.algorithm: it is not known: use RSA, ECDSA or Ed25519, or leave it out for RSA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := KeySpecOf(&cmapi.Certificate{Spec: cmapi.CertificateSpec{PrivateKey: c.key}})
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Fatalf("error = %v\nwant    %s", err, c.err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestKeyRoundTrip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		spec  KeySpec
		enc   cmapi.PrivateKeyEncoding
		label string
		read  cmapi.PrivateKeyEncoding
	}{
		{specRSA, "", "RSA PRIVATE KEY", cmapi.PKCS1},
		{specRSA, cmapi.PKCS1, "RSA PRIVATE KEY", cmapi.PKCS1},
		{specRSA, cmapi.PKCS8, "PRIVATE KEY", cmapi.PKCS8},
		{specP256, cmapi.PKCS1, "EC PRIVATE KEY", cmapi.PKCS1},
		{specP256, cmapi.PKCS8, "PRIVATE KEY", cmapi.PKCS8},
		{specP384, cmapi.PKCS1, "EC PRIVATE KEY", cmapi.PKCS1},
		{specP521, cmapi.PKCS1, "EC PRIVATE KEY", cmapi.PKCS1},
		{specEd25519, cmapi.PKCS1, "PRIVATE KEY", cmapi.PKCS8},
		{specEd25519, cmapi.PKCS8, "PRIVATE KEY", cmapi.PKCS8},
	} {
		key := testKey(t, c.spec)
		text, err := EncodeKey(key, c.enc)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		if !bytes.HasPrefix(text, []byte("-----BEGIN "+c.label+"-----\n")) {
			t.Errorf("%v: PEM begins with %.40q", c, text)
		}
		if got := KeyEncoding(text); got != c.read {
			t.Errorf("%v: KeyEncoding = %q, want %q", c, got, c.read)
		}
		back, err := ParseKey(text)
		if err != nil || !SamePublicKey(back.Public(), key.Public()) {
			t.Errorf("%v: read back: %v", c, err)
		}
		if got := KeyViolations(back.Public(), c.spec); got != nil {
			t.Errorf("%v: violations %v", c, got)
		}
		if out, err := openssl(t, map[string][]byte{"key": text}, "pkey", "-in", "key", "-check", "-noout"); err != nil {
			t.Errorf("%v: openssl: %v\n%s", c, err, out)
		}
	}
}

func TestKeyEncodingOf(t *testing.T) {
	t.Parallel()
	for want, keys := range map[cmapi.PrivateKeyEncoding][]*cmapi.CertificatePrivateKey{
		cmapi.PKCS1: {nil, {}, {Encoding: cmapi.PKCS1}, {Algorithm: "ECDSA"}},
		cmapi.PKCS8: {{Encoding: cmapi.PKCS8}, {Algorithm: "Ed25519"}, {Algorithm: "Ed25519", Encoding: cmapi.PKCS1}},
	} {
		for _, key := range keys {
			if got := KeyEncodingOf(&cmapi.Certificate{Spec: cmapi.CertificateSpec{PrivateKey: key}}); got != want {
				t.Errorf("%+v: %s, want %s", key, got, want)
			}
		}
	}
}

func TestKeyViolations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		have, want KeySpec
		fields     []string
	}{
		{specRSA, specRSA, nil},
		{specRSA, KeySpec{"RSA", 4096}, []string{"spec.privateKey.size"}},
		{specP256, specP384, []string{"spec.privateKey.size"}},
		{specP256, specRSA, []string{"spec.privateKey.algorithm"}},
		{specEd25519, specEd25519, nil},
		{specEd25519, specP256, []string{"spec.privateKey.algorithm"}},
	} {
		if got := KeyViolations(testKey(t, c.have).Public(), c.want); !cmp.Equal(got, c.fields) {
			t.Errorf("%v for %v: %v, want %v", c.have, c.want, got, c.fields)
		}
	}
	if got := KeyViolations(nil, specRSA); !cmp.Equal(got, []string{"spec.privateKey.algorithm"}) {
		t.Errorf("no key: %v", got)
	}
}

func TestSamePublicKey(t *testing.T) {
	t.Parallel()
	a, b, r := testKey(t, specP256).Public(), newKey(t, specP256).Public(), testKey(t, specRSA).Public()
	for _, c := range []struct {
		a, b crypto.PublicKey
		want bool
	}{{a, a, true}, {a, b, false}, {a, r, false}, {nil, nil, false}, {a, nil, false}, {nil, a, false}, {"a", "a", false}} {
		if got := SamePublicKey(c.a, c.b); got != c.want {
			t.Errorf("SamePublicKey(%T, %T) = %t", c.a, c.b, got)
		}
	}
}

func TestSamePrivateKey(t *testing.T) {
	t.Parallel()
	a, b := testKey(t, specP256), newKey(t, specP256)
	for _, c := range []struct {
		a, b crypto.PrivateKey
		want bool
	}{{a, a, true}, {a, b, false}, {a, testKey(t, specRSA), false}, {a, nil, false}, {nil, a, false}, {"a", "a", false}} {
		if got := SamePrivateKey(c.a, c.b); got != c.want {
			t.Errorf("SamePrivateKey(%T, %T) = %t", c.a, c.b, got)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	good, err := EncodeKey(testKey(t, specP256), cmapi.PKCS1)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(good)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":      {nil, "private key: no PEM block found"},
		"text":         {[]byte("hunter2"), "private key: no PEM block found"},
		"too large":    {append(make([]byte, 13_000), good...), "private key: too large: 13227 bytes of PEM, at most 13000 are read"},
		"certificate":  {pemBlock("CERTIFICATE", []byte("x")), `private key: PEM block 1 is a "CERTIFICATE"`},
		"wrong label":  {pemBlock("RSA PRIVATE KEY", block.Bytes), `private key: the content of the "RSA PRIVATE KEY" block is damaged or of another kind than its label`},
		"cut short":    {good[:len(good)-40], "private key: PEM block 1 is damaged: its BEGIN and END lines or its base64 do not fit"},
		"encrypted":    {pemBlock("ENCRYPTED PRIVATE KEY", []byte("x")), "private key: it is encrypted: store it without a pass phrase"},
		"encrypted 2":  {[]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), "private key: it is encrypted: store it without a pass phrase"},
		"long label":   {pemBlock(strings.Repeat("LABEL ", 20)+"X", []byte("x")), `private key: PEM block 1 is a "LABEL LABEL LABEL LABEL LABEL LABEL LABE..."`},
		"key exchange": {x25519, "private key: a *ecdh.PrivateKey cannot sign: use RSA, ECDSA or Ed25519"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := ParseKey(c.data)
			if err == nil || err.Error() != c.want {
				t.Errorf("ParseKey = %T, error %v\nwant %s", key, err, c.want)
			}
			if KeyEncoding(c.data) != "" && name != "wrong label" && name != "key exchange" {
				t.Errorf("KeyEncoding = %q", KeyEncoding(c.data))
			}
		})
	}
}

// x25519 is the key of RFC 8410 section 10.3's kind, made with openssl genpkey.
var x25519 = []byte(`-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIPgy2RK0FqpWj/MUb/oE1qURbgClRuaUsTmDPZcWvuRh
-----END PRIVATE KEY-----
`)

// As openssl ecparam -genkey writes it: the curve's name in a block of its own.
func TestParseKeyAfterParameters(t *testing.T) {
	t.Parallel()
	out, err := openssl(t, nil, "ecparam", "-name", "prime256v1", "-genkey")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out, "BEGIN EC PARAMETERS") {
		t.Fatalf("openssl wrote no parameters:\n%s", out)
	}
	if _, err := ParseKey([]byte(out)); err != nil {
		t.Error(err)
	}
}

func TestEncodeKeyRefuses(t *testing.T) {
	t.Parallel()
	if _, err := EncodeKey(nil, cmapi.PKCS8); err == nil || err.Error() != "private key: a <nil> cannot be written as PEM" {
		t.Errorf("nil: %v", err)
	}
	if _, err := GenerateKey(KeySpec{"RSA", 1024}); err == nil {
		t.Error("an RSA key of 1024 bits was made")
	}
}

// A key on a curve the API does not offer can be read, and is seen to differ.
func TestForeignCurve(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := EncodeKey(key, cmapi.PKCS8)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := KeyViolations(back.Public(), specP256); !cmp.Equal(got, []string{"spec.privateKey.size"}) {
		t.Errorf("violations %v", got)
	}
}
