package pki

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseCertificates(t *testing.T) {
	t.Parallel()
	ca := newCA(t, "root", testKey(t, specP256), nil)
	leaf := signFor(t, certificate(), testKey(t, specP256), ca).Leaf
	root := EncodeCertificates(ca.Certificates[0])
	broken := slices.Concat(leaf[:len(leaf)/2], []byte("\n"), root)
	for name, c := range map[string]struct {
		data  []byte
		names []string
		err   string
	}{
		"one":               {leaf, []string{"web.example.com"}, ""},
		"order kept":        {slices.Concat(root, leaf), []string{"root", "web.example.com"}, ""},
		"text before":       {slices.Concat([]byte("subject=web\n"), leaf, []byte("issuer=root\n"), root), []string{"web.example.com", "root"}, ""},
		"blanks behind":     {slices.Concat(leaf, []byte(" \n\t\r\n")), []string{"web.example.com"}, ""},
		"CRLF":              {bytes.ReplaceAll(leaf, []byte("\n"), []byte("\r\n")), []string{"web.example.com"}, ""},
		"nothing":           {nil, nil, "certificate: no PEM block found"},
		"blanks":            {[]byte(" \n"), nil, "certificate: no PEM block found"},
		"text":              {[]byte("not a certificate"), nil, "certificate: no PEM block found"},
		"indented":          {[]byte("  -----BEGIN CERTIFICATE-----\n"), nil, "certificate: PEM block 1 is damaged: its BEGIN and END lines or its base64 do not fit"},
		"first line lost":   {slices.Concat(leaf[10:], root), nil, "certificate: PEM block 1 is damaged: its BEGIN and END lines or its base64 do not fit"},
		"last line lost":    {leaf[:len(leaf)-26], nil, "certificate: PEM block 1 is damaged: its BEGIN and END lines or its base64 do not fit"},
		"text behind":       {slices.Concat(leaf, []byte("garbage")), nil, "certificate: text follows the last PEM block (block 1)"},
		"key":               {slices.Concat(leaf, pemKey(t, testKey(t, specP256))), nil, `certificate: PEM block 2 is a "PRIVATE KEY", not a "CERTIFICATE"`},
		"first damaged":     {broken, nil, "certificate: PEM block 1 is damaged: its BEGIN and END lines or its base64 do not fit"},
		"second damaged":    {slices.Concat(root, broken), nil, "certificate: PEM block 2 is damaged: its BEGIN and END lines or its base64 do not fit"},
		"empty block":       {pemBlock("CERTIFICATE", nil), nil, "certificate: PEM block 1: x509: malformed certificate"},
		"not a certificate": {slices.Concat(leaf, pemBlock("CERTIFICATE", []byte("hello"))), nil, "certificate: PEM block 2: x509: malformed certificate"},
		"too large":         {bytes.Repeat([]byte("x"), 95_001), nil, "certificate: too large: 95001 bytes of PEM, at most 95000 are read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certs, err := ParseCertificates(c.data)
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Fatalf("error = %v\nwant    %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, cert := range certs {
				names = append(names, cert.Subject.CommonName)
			}
			if !slices.Equal(names, c.names) {
				t.Errorf("names %v, want %v", names, c.names)
			}
		})
	}
}

func TestParseBundle(t *testing.T) {
	t.Parallel()
	root := EncodeCertificates(newCA(t, "root", testKey(t, specP256), nil).Certificates[0])
	many := bytes.Repeat(root, 330_000/len(root))
	certs, err := ParseBundle(many)
	if err != nil || len(certs) != 330_000/len(root) {
		t.Errorf("%d certificates, error %v", len(certs), err)
	}
	if _, err := ParseCertificates(many); !errors.Is(err, ErrTooLarge) {
		t.Errorf("as a chain: %v", err)
	}
	if _, err := ParseBundle(append(many, root...)); err == nil || !errors.Is(err, ErrTooLarge) || !strings.HasPrefix(err.Error(), "CA bundle: too large: ") {
		t.Errorf("above the limit: %v", err)
	}
	if got := EncodeCertificates(certs...); !bytes.Equal(got, many) {
		t.Error("the bundle changed on its way")
	}
}

func TestParseRequest(t *testing.T) {
	t.Parallel()
	key := testKey(t, specP256)
	good := requestFor(t, certificate(), key).Spec.Request
	csr, err := parseRequest(good)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Clone(csr.Raw)
	at := bytes.Index(forged, []byte("web.example.com"))
	copy(forged[at:], "evil")
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"good":          {good, ""},
		"old label":     {pemBlock("NEW CERTIFICATE REQUEST", csr.Raw), ""},
		"forged":        {pemBlock("CERTIFICATE REQUEST", forged), "certificate request: its signature was not made by its own key: x509: ECDSA verification failure"},
		"nothing":       {nil, "certificate request: no PEM block found"},
		"two":           {slices.Concat(good, good), "certificate request: something follows its PEM block"},
		"text behind":   {slices.Concat(good, []byte("x")), "certificate request: something follows its PEM block"},
		"certificate":   {pemBlock("CERTIFICATE", csr.Raw), `certificate request: the PEM block is a "CERTIFICATE", not a "CERTIFICATE REQUEST"`},
		"not a request": {pemBlock("CERTIFICATE REQUEST", []byte{0x30, 0}), "certificate request: asn1: syntax error: sequence truncated"},
		"cut short":     {good[:len(good)-10], "certificate request: PEM block 1 is damaged: its BEGIN and END lines or its base64 do not fit"},
		"too large":     {bytes.Repeat([]byte("x"), 80_001), "certificate request: too large: 80001 bytes of PEM, at most 80000 are read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseRequest(c.data)
			if text := errorText(err); text != c.want {
				t.Errorf("error = %s\nwant    %s", text, c.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// No error may carry what is in a key, whatever way it is broken.
func TestErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	text := pemKey(t, testKey(t, specP256))
	body := strings.Split(string(text), "\n")[1]
	for _, data := range [][]byte{
		text[:len(text)-5],
		bytes.Replace(text, []byte("PRIVATE KEY"), []byte("EC PRIVATE KEY"), 2),
		bytes.Replace(text, []byte("PRIVATE KEY"), []byte("CERTIFICATE"), 2),
		bytes.Replace(text, []byte("PRIVATE KEY"), []byte("CERTIFICATE REQUEST"), 2),
		bytes.ReplaceAll(text, []byte("-----BEGIN"), []byte("BEGIN")),
	} {
		_, err1 := ParseKey(data)
		_, err2 := ParseCertificates(data)
		_, err3 := ParseRequest(data)
		_, err4 := ParseCA(data, data, testNow)
		for _, err := range []error{err1, err2, err3, err4} {
			if err == nil || strings.Contains(err.Error(), body[:8]) {
				t.Errorf("error %v", err)
			}
		}
	}
}
