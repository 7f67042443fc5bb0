package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Attribute types that a literal subject may name: the table of RFC 4514
// section 3 and serialNumber (RFC 4519 section 2.31). Keys are upper case:
// names are compared without case (RFC 4512 section 2.5).
var attributeTypes = map[string]asn1.ObjectIdentifier{
	"C":            oidCountry,
	"CN":           oidCommonName,
	"DC":           oidDomainComponent,
	"L":            {2, 5, 4, 7},
	"O":            {2, 5, 4, 10},
	"OU":           {2, 5, 4, 11},
	"SERIALNUMBER": oidSerialNumber,
	"ST":           {2, 5, 4, 8},
	"STREET":       {2, 5, 4, 9},
	"UID":          {0, 9, 2342, 19200300, 100, 1, 1},
}

var (
	oidCommonName      = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidCountry         = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidSerialNumber    = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidDomainComponent = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}
)

// maxLiteralSubject bounds a literal subject in bytes. The longest names of
// directories in use stay far below.
const maxLiteralSubject = 4096

// ParseDN reads the string form of a distinguished name (RFC 4514) and returns
// its parts in the order of the certificate, which is the reverse of the
// string's order (RFC 4514 section 2.1). Types outside the table, and values in
// the "#hex" form, are errors.
func ParseDN(s string) (pkix.RDNSequence, error) {
	if len(s) > maxLiteralSubject {
		return nil, fmt.Errorf("it has %d bytes: at most %d are read", len(s), maxLiteralSubject)
	}
	if !utf8.ValidString(s) {
		return nil, errors.New("it is not valid UTF-8")
	}
	var (
		names pkix.RDNSequence
		rdn   pkix.RelativeDistinguishedNameSET
	)
	for rest := s; ; {
		attribute, end, tail, err := nextAttribute(rest)
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", len(s)-len(rest), err)
		}
		rdn = append(rdn, attribute)
		if end != '+' {
			names, rdn = append(names, rdn), nil
		}
		if end == 0 {
			break
		}
		rest = tail
	}
	slices.Reverse(names)
	return names, nil
}

// nextAttribute reads one "type=value" and the separator behind it: ',' (or ';'
// of the older RFC 2253), '+', or 0 at the end of the string.
func nextAttribute(s string) (a pkix.AttributeTypeAndValue, end byte, rest string, err error) {
	name, value, found := strings.Cut(s, "=")
	if !found {
		return a, 0, "", errors.New("a type and a value with = between them are missing")
	}
	name = strings.TrimSpace(name)
	id, known := attributeTypes[strings.ToUpper(name)]
	if !known {
		return a, 0, "", fmt.Errorf("the attribute type %q is not known: use CN, O, OU, C, L, ST, STREET, DC, UID or SERIALNUMBER", name)
	}
	text, end, rest, err := readValue(strings.TrimLeft(value, " "))
	if err != nil {
		return a, 0, "", err
	}
	encoded, err := encodeAttribute(id, text)
	if err != nil {
		return a, 0, "", fmt.Errorf("the value of %s: %w", name, err)
	}
	return pkix.AttributeTypeAndValue{Type: id, Value: encoded}, end, rest, nil
}

// readValue takes one attribute value off the string, with its escapes undone
// (RFC 4514 section 2.4), and the separator that ends it.
func readValue(s string) (value string, end byte, rest string, err error) {
	if strings.HasPrefix(s, "#") {
		return "", 0, "", errors.New(`a value in the form "#hex" is not supported: write the text, with \# for a leading #`)
	}
	if strings.HasPrefix(s, `"`) {
		return readQuoted(s[1:])
	}
	var out []byte
	kept := 0 // blanks at the end are dropped unless they are escaped
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ',', ';', '+':
			return finish(out[:kept], c, s[i+1:])
		case '\\':
			b, n, err := unescape(s[i+1:])
			if err != nil {
				return "", 0, "", err
			}
			out, i = append(out, b), i+n
			kept = len(out)
		case '"', '<', '>', 0:
			return "", 0, "", fmt.Errorf(`the character %q must be written with a \ before it`, c)
		default:
			out = append(out, c)
			if c != ' ' {
				kept = len(out)
			}
		}
	}
	return finish(out[:kept], 0, "")
}

// readQuoted reads a value of the older form "...", which LDAP tools still
// write (RFC 2253 section 4).
func readQuoted(s string) (value string, end byte, rest string, err error) {
	var out []byte
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			b, n, err := unescape(s[i+1:])
			if err != nil {
				return "", 0, "", err
			}
			out, i = append(out, b), i+n
		case '"':
			tail := strings.TrimLeft(s[i+1:], " ")
			if tail == "" {
				return finish(out, 0, "")
			}
			if strings.IndexByte(",;+", tail[0]) < 0 {
				return "", 0, "", errors.New("something other than a separator follows the closing quote")
			}
			return finish(out, tail[0], tail[1:])
		default:
			out = append(out, s[i])
		}
	}
	return "", 0, "", errors.New("the closing quote is missing")
}

func finish(value []byte, end byte, rest string) (string, byte, string, error) {
	if len(value) == 0 {
		return "", 0, "", errors.New("a value is empty: give it a text or leave the attribute out")
	}
	if !utf8.Valid(value) {
		return "", 0, "", errors.New("a value is not valid UTF-8")
	}
	return string(value), end, rest, nil
}

// unescape reads what follows a backslash: a special character, or one byte as
// two hexadecimal digits. n is how many bytes of s it took.
func unescape(s string) (b byte, n int, err error) {
	if s != "" && strings.IndexByte(` "#+,;<=>\`, s[0]) >= 0 {
		return s[0], 1, nil
	}
	if len(s) >= 2 {
		if raw, err := hex.DecodeString(s[:2]); err == nil {
			return raw[0], 2, nil
		}
	}
	return 0, 0, errors.New(`a \ must be followed by a special character or two hexadecimal digits`)
}

// encodeAttribute chooses the string type that the standards prescribe. For
// most types that is left to encoding/asn1: PrintableString where the text
// allows it, else UTF8String (RFC 5280 section 4.1.2.4). A domain component is
// an IA5String (RFC 4519 section 2.4); country and serial number are
// PrintableString (RFC 5280 appendix A.1).
func encodeAttribute(id asn1.ObjectIdentifier, text string) (any, error) {
	switch {
	case id.Equal(oidDomainComponent):
		if err := checkIA5(text); err != nil {
			return nil, err
		}
		return asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(text)}, nil
	case id.Equal(oidCountry), id.Equal(oidSerialNumber):
		if _, err := asn1.MarshalWithParams(text, "printable"); err != nil {
			return nil, errors.New("only letters, digits, blanks and '()+,-./:=? are allowed")
		}
	}
	return text, nil
}

// attributeText gives the text of an attribute value, made by us or decoded.
func attributeText(v any) string {
	switch t := v.(type) {
	case string:
		return t
	case asn1.RawValue:
		return string(t.Bytes)
	}
	return fmt.Sprint(v)
}

// sameDN compares two names part by part: same order, same types, same texts.
// How a text is encoded does not count, so that a request of another program
// is recognized. The order inside one multi-valued part means nothing.
func sameDN(a, b pkix.RDNSequence) bool {
	return slices.EqualFunc(a, b, func(x, y pkix.RelativeDistinguishedNameSET) bool {
		return sameSet(attributeKeys(x), attributeKeys(y))
	})
}

func attributeKeys(set pkix.RelativeDistinguishedNameSET) []string {
	keys := make([]string, len(set))
	for i, a := range set {
		keys[i] = a.Type.String() + "=" + attributeText(a.Value)
	}
	return keys
}

// commonNameOf finds the common name of a literal subject, the last one if
// there are several: it is the most specific (RFC 6125 section 2.3.1).
func commonNameOf(names pkix.RDNSequence) string {
	var cn string
	for _, set := range names {
		for _, a := range set {
			if a.Type.Equal(oidCommonName) {
				cn = attributeText(a.Value)
			}
		}
	}
	return cn
}
