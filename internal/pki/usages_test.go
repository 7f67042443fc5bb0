package pki

import (
	"crypto/x509"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
)

// Values as RFC 5280 section 4.2.1.3 numbers the bits: bit 0 is 1, bit 8 is 256.
func TestKeyUsages(t *testing.T) {
	t.Parallel()
	type ext = []x509.ExtKeyUsage
	for _, c := range []struct {
		usages   []cmapi.KeyUsage
		isCA     bool
		basic    x509.KeyUsage
		extended ext
	}{
		{nil, false, 1 | 4, nil},
		{nil, true, 1 | 4 | 32, nil},
		{[]cmapi.KeyUsage{}, false, 1 | 4, nil},
		{[]cmapi.KeyUsage{"signing"}, false, 1, nil},
		{[]cmapi.KeyUsage{"digital signature"}, false, 1, nil},
		{[]cmapi.KeyUsage{"content commitment"}, false, 2, nil},
		{[]cmapi.KeyUsage{"key encipherment"}, false, 4, nil},
		{[]cmapi.KeyUsage{"data encipherment"}, false, 8, nil},
		{[]cmapi.KeyUsage{"key agreement"}, false, 16, nil},
		{[]cmapi.KeyUsage{"cert sign"}, false, 32, nil},
		{[]cmapi.KeyUsage{"cert sign"}, true, 32, nil},
		{[]cmapi.KeyUsage{"crl sign"}, false, 64, nil},
		{[]cmapi.KeyUsage{"encipher only"}, false, 128, nil},
		{[]cmapi.KeyUsage{"decipher only"}, false, 256, nil},
		{[]cmapi.KeyUsage{"any"}, false, 0, ext{x509.ExtKeyUsageAny}},
		{[]cmapi.KeyUsage{"server auth"}, false, 0, ext{x509.ExtKeyUsageServerAuth}},
		{[]cmapi.KeyUsage{"server auth"}, true, 32, ext{x509.ExtKeyUsageServerAuth}},
		{[]cmapi.KeyUsage{"client auth"}, false, 0, ext{x509.ExtKeyUsageClientAuth}},
		{[]cmapi.KeyUsage{"code signing"}, false, 0, ext{x509.ExtKeyUsageCodeSigning}},
		{[]cmapi.KeyUsage{"email protection", "s/mime"}, false, 0, ext{x509.ExtKeyUsageEmailProtection}},
		{[]cmapi.KeyUsage{"s/mime"}, false, 0, ext{x509.ExtKeyUsageEmailProtection}},
		{[]cmapi.KeyUsage{"ipsec end system"}, false, 0, ext{x509.ExtKeyUsageIPSECEndSystem}},
		{[]cmapi.KeyUsage{"ipsec tunnel"}, false, 0, ext{x509.ExtKeyUsageIPSECTunnel}},
		{[]cmapi.KeyUsage{"ipsec user"}, false, 0, ext{x509.ExtKeyUsageIPSECUser}},
		{[]cmapi.KeyUsage{"timestamping"}, false, 0, ext{x509.ExtKeyUsageTimeStamping}},
		{[]cmapi.KeyUsage{"ocsp signing"}, false, 0, ext{x509.ExtKeyUsageOCSPSigning}},
		{[]cmapi.KeyUsage{"microsoft sgc"}, false, 0, ext{x509.ExtKeyUsageMicrosoftServerGatedCrypto}},
		{[]cmapi.KeyUsage{"netscape sgc"}, false, 0, ext{x509.ExtKeyUsageNetscapeServerGatedCrypto}},
		{[]cmapi.KeyUsage{"client auth", "crl sign", "server auth", "client auth"}, false, 64, ext{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}},
	} {
		basic, extended, err := KeyUsages(c.usages, c.isCA)
		if err != nil || basic != c.basic || !cmp.Equal(extended, c.extended) {
			t.Errorf("%v, CA %t: %d %v %v, want %d %v", c.usages, c.isCA, basic, extended, err, c.basic, c.extended)
		}
	}
	_, _, err := KeyUsages([]cmapi.KeyUsage{"server auth", "Server Auth"}, false)
	if want := `spec.usages[1]: "Server Auth" is not a usage: use one of the names of the API, such as "server auth" or "digital signature"`; errorText(err) != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
}

// DER by hand: tag, length, unused bits, bits from the left.
func TestKeyUsageExtension(t *testing.T) {
	t.Parallel()
	for usage, want := range map[x509.KeyUsage][]byte{
		1:        {3, 2, 7, 0x80},
		1 | 4:    {3, 2, 5, 0xa0},
		32 | 64:  {3, 2, 1, 0x06},
		128:      {3, 2, 0, 0x01},
		16 | 256: {3, 3, 7, 0x08, 0x80},
		256:      {3, 3, 7, 0x00, 0x80},
		0:        {3, 1, 0},
		512 - 1:  {3, 3, 7, 0xff, 0x80},
	} {
		ext, err := keyUsageExtension(usage)
		if err != nil || !cmp.Equal(ext.Value, want) || !ext.Critical {
			t.Errorf("%d: % x critical %t %v, want % x", usage, ext.Value, ext.Critical, err, want)
		}
		if back, err := parseKeyUsage(want); err != nil || back != usage {
			t.Errorf("% x read as %d, %v", want, back, err)
		}
	}
	for _, der := range [][]byte{nil, {3}, {4, 1, 0}, {3, 2, 7, 0x80, 0}} {
		if _, err := parseKeyUsage(der); err == nil {
			t.Errorf("% x was read", der)
		}
	}
}

// Every extended usage of the API has an identifier, and comes back from it.
func TestExtKeyUsageExtension(t *testing.T) {
	t.Parallel()
	for name, purpose := range extKeyUsages {
		ext, err := extKeyUsageExtension([]x509.ExtKeyUsage{purpose})
		if err != nil || ext.Critical {
			t.Errorf("%s: %v", name, err)
		}
		known, unknown, err := parseExtKeyUsage(ext.Value)
		if err != nil || len(unknown) != 0 || !cmp.Equal(known, []x509.ExtKeyUsage{purpose}) {
			t.Errorf("%s: read back as %v %v %v", name, known, unknown, err)
		}
	}
	// 1.2.3 is nobody's purpose.
	known, unknown, err := parseExtKeyUsage([]byte{0x30, 4, 6, 2, 0x2a, 3})
	if err != nil || len(known) != 0 || len(unknown) != 1 || unknown[0].String() != "1.2.3" {
		t.Errorf("foreign purpose: %v %v %v", known, unknown, err)
	}
}
