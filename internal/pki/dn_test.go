package pki

import (
	"strings"
	"testing"
)

// show writes a name in the order of the certificate.
func show(t testing.TB, s string) (string, error) {
	t.Helper()
	names, err := ParseDN(s)
	var parts []string
	for _, set := range names {
		var part []string
		for _, a := range set {
			part = append(part, a.Type.String()+"="+attributeText(a.Value))
		}
		parts = append(parts, strings.Join(part, "+"))
	}
	return strings.Join(parts, " | "), err
}

func TestParseDN(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"CN=foo":                           "2.5.4.3=foo",
		"CN=foo,DC=corp,DC=example,DC=com": "0.9.2342.19200300.100.1.25=com | 0.9.2342.19200300.100.1.25=example | 0.9.2342.19200300.100.1.25=corp | 2.5.4.3=foo",
		"cn=foo, ou=b ,o=c":                "2.5.4.10=c | 2.5.4.11=b | 2.5.4.3=foo",
		"CN=foo;O=bar":                     "2.5.4.10=bar | 2.5.4.3=foo",
		"UID=jdoe+CN=J. Doe,C=DE":          "2.5.4.6=DE | 0.9.2342.19200300.100.1.1=jdoe+2.5.4.3=J. Doe",
		`CN=a\,b\+c\"d\\e\<f\>g\;h\=i`:     `2.5.4.3=a,b+c"d\e<f>g;h=i`,
		`CN=a=b`:                           "2.5.4.3=a=b",
		`CN=\ a \ `:                        "2.5.4.3= a  ",
		`CN=\#1`:                           "2.5.4.3=#1",
		`CN=a#1`:                           "2.5.4.3=a#1",
		`CN=Lu\C4\8Di\C4\87`:               "2.5.4.3=Lučić",
		"CN=Lučić":                         "2.5.4.3=Lučić",
		`O="Bar, Inc.",C=US`:               "2.5.4.6=US | 2.5.4.10=Bar, Inc.",
		`O="a\"b" + CN=c`:                  `2.5.4.10=a"b+2.5.4.3=c`,
		"SERIALNUMBER=12,STREET=Weg 1,ST=BY,L=Ort": "2.5.4.7=Ort | 2.5.4.8=BY | 2.5.4.9=Weg 1 | 2.5.4.5=12",
	} {
		if got, err := show(t, in); err != nil || got != want {
			t.Errorf("%s\ngot  %s, %v\nwant %s", in, got, err, want)
		}
	}
}

func TestParseDNRefuses(t *testing.T) {
	t.Parallel()
	const types = "is not known: use CN, O, OU, C, L, ST, STREET, DC, UID or SERIALNUMBER"
	for in, want := range map[string]string{
		"":                                "at byte 0: a type and a value with = between them are missing",
		"foo":                             "at byte 0: a type and a value with = between them are missing",
		"CN=a,":                           "at byte 5: a type and a value with = between them are missing",
		"CN=a,,O=b":                       `at byte 5: the attribute type ",O" ` + types,
		"=a":                              `at byte 0: the attribute type "" ` + types,
		"CN=a,X=b":                        `at byte 5: the attribute type "X" ` + types,
		"1.2.3=a":                         `at byte 0: the attribute type "1.2.3" ` + types,
		"CN=":                             "at byte 0: a value is empty: give it a text or leave the attribute out",
		"CN= ,O=a":                        "at byte 0: a value is empty: give it a text or leave the attribute out",
		"CN=#0c0161":                      `at byte 0: a value in the form "#hex" is not supported: write the text, with \# for a leading #`,
		`CN=a\`:                           `at byte 0: a \ must be followed by a special character or two hexadecimal digits`,
		`CN=a\zz`:                         `at byte 0: a \ must be followed by a special character or two hexadecimal digits`,
		`CN=a\C4`:                         "at byte 0: a value is not valid UTF-8",
		"CN=\xff":                         "it is not valid UTF-8",
		"CN=a<b":                          `at byte 0: the character '<' must be written with a \ before it`,
		`CN=a"b`:                          `at byte 0: the character '"' must be written with a \ before it`,
		`CN="a`:                           "at byte 0: the closing quote is missing",
		`CN="a"b`:                         "at byte 0: something other than a separator follows the closing quote",
		"DC=münchen":                      "at byte 0: the value of DC: only ASCII characters can stand in a certificate here: write an international domain name in its xn-- form",
		"C=D€":                            "at byte 0: the value of C: only letters, digits, blanks and '()+,-./:=? are allowed",
		"SERIALNUMBER=@":                  "at byte 0: the value of SERIALNUMBER: only letters, digits, blanks and '()+,-./:=? are allowed",
		"CN=" + strings.Repeat("a", 4094): "it has 4097 bytes: at most 4096 are read",
	} {
		if got, err := show(t, in); err == nil || err.Error() != want {
			t.Errorf("%.60q = %s, error %v\nwant %s", in, got, err, want)
		}
	}
}

func TestSameDN(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"CN=a,O=b", "CN=a,O=b", true},
		{"CN=a,O=b", "O=b,CN=a", false},
		{"CN=a+O=b", "O=b+CN=a", true},
		{"CN=a+O=b", "CN=a,O=b", false},
		{"CN=a", "CN=A", false},
		{"CN=a", "OU=a", false},
		{"CN=a,CN=a", "CN=a", false},
	} {
		a, err1 := ParseDN(c.a)
		b, err2 := ParseDN(c.b)
		if err1 != nil || err2 != nil || sameDN(a, b) != c.want || sameDN(b, a) != c.want {
			t.Errorf("%s and %s: %t, want %t (%v %v)", c.a, c.b, !c.want, c.want, err1, err2)
		}
	}
}
