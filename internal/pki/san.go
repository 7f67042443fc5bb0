package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Context tags of GeneralName, RFC 5280 section 4.2.1.6.
const (
	tagOtherName = 0
	tagEmail     = 1
	tagDNS       = 2
	tagURI       = 6
	tagIP        = 7
)

// altNames is the content of a subject alternative name extension. The
// standard library knows neither otherName nor any rarer kind, so that a
// template made from its fields alone would lose them.
type altNames struct {
	dns, email, uri []string
	ip              []net.IP
	other           []cmapi.OtherName // those whose value is a UTF8String
	foreign         int               // entries of kinds the API cannot express
}

// otherName is the ASN.1 type of that name with its value left encoded.
type otherName struct {
	ID    asn1.RawValue
	Value asn1.RawValue `asn1:"tag:0,explicit"`
}

// altNamesOf collects the names a spec asks for, in the order of the standard
// library, so that certificates of both look alike.
func altNamesOf(spec *cmapi.CertificateSpec) (altNames, error) {
	n := altNames{dns: spec.DNSNames, email: spec.EmailAddresses, uri: spec.URIs, other: spec.OtherNames}
	for i, s := range spec.IPAddresses {
		ip := net.ParseIP(s)
		if ip == nil {
			return n, fmt.Errorf("spec.ipAddresses[%d]: %q is not an IP address", i, s)
		}
		n.ip = append(n.ip, ip)
	}
	return n, nil
}

func (n altNames) empty() bool {
	return len(n.dns)+len(n.email)+len(n.uri)+len(n.ip)+len(n.other) == 0
}

// extension encodes the names. It is critical when the subject is empty,
// because then these are the only names (RFC 5280 section 4.2.1.6).
func (n altNames) extension(critical bool) (pkix.Extension, error) {
	var all []asn1.RawValue
	add := func(tag int, value []byte) {
		all = append(all, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: value})
	}
	for _, kind := range []struct {
		field string
		tag   int
		names []string
	}{{"dnsNames", tagDNS, n.dns}, {"emailAddresses", tagEmail, n.email}, {"uris", tagURI, n.uri}} {
		for i, s := range kind.names {
			if err := checkIA5(s); err != nil {
				return pkix.Extension{}, fmt.Errorf("spec.%s[%d]: %w", kind.field, i, err)
			}
			add(kind.tag, []byte(s))
		}
	}
	for _, ip := range n.ip {
		if four := ip.To4(); four != nil {
			ip = four
		}
		add(tagIP, ip)
	}
	for i, o := range n.other {
		value, err := encodeOtherName(o)
		if err != nil {
			return pkix.Extension{}, fmt.Errorf("spec.otherNames[%d].%w", i, err)
		}
		all = append(all, value)
	}
	der, err := asn1.Marshal(all)
	return pkix.Extension{Id: oidSubjectAltName, Critical: critical, Value: der}, err
}

func encodeOtherName(o cmapi.OtherName) (asn1.RawValue, error) {
	oid, err := x509.ParseOID(o.OID)
	if err != nil {
		return asn1.RawValue{}, fmt.Errorf("oid: %q: %s", o.OID, oidRemedy)
	}
	id, err := oid.MarshalBinary()
	if err != nil {
		return asn1.RawValue{}, fmt.Errorf("oid: %w", err)
	}
	value, err := asn1.MarshalWithParams(o.UTF8Value, "utf8")
	if err != nil {
		return asn1.RawValue{}, fmt.Errorf("utf8Value: %w", err)
	}
	der, err := asn1.MarshalWithParams(otherName{
		ID:    asn1.RawValue{Tag: asn1.TagOID, Bytes: id},
		Value: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: value},
	}, "tag:0")
	return asn1.RawValue{FullBytes: der}, err
}

const oidRemedy = "it is not an object identifier: write numbers with dots, such as 1.3.6.1.4.1.311.20.2.3"

func validOID(s string) bool {
	_, err := x509.ParseOID(s)
	return err == nil
}

// parseAltNames reads the extension back, names as they are written.
func parseAltNames(list []pkix.Extension) (altNames, error) {
	var n altNames
	ext := extension(list, oidSubjectAltName)
	if ext == nil {
		return n, nil
	}
	var all []asn1.RawValue
	if err := unmarshalAll(ext.Value, &all); err != nil {
		return n, fmt.Errorf("subject alternative name: %w", err)
	}
	for _, v := range all {
		switch s := string(v.Bytes); {
		case v.Class != asn1.ClassContextSpecific:
			n.foreign++
		case v.Tag == tagDNS:
			n.dns = append(n.dns, s)
		case v.Tag == tagEmail:
			n.email = append(n.email, s)
		case v.Tag == tagURI:
			n.uri = append(n.uri, s)
		case v.Tag == tagIP:
			n.ip = append(n.ip, v.Bytes)
		default:
			o, ok := parseOtherName(v)
			if !ok {
				n.foreign++
				continue
			}
			n.other = append(n.other, o)
		}
	}
	return n, nil
}

// parseOtherName reads an otherName whose value is a UTF8String, the only kind
// the API has.
func parseOtherName(v asn1.RawValue) (cmapi.OtherName, bool) {
	var raw otherName
	var id x509.OID
	var value asn1.RawValue
	if rest, err := asn1.UnmarshalWithParams(v.FullBytes, &raw, "tag:0"); v.Tag != tagOtherName || err != nil || len(rest) > 0 {
		return cmapi.OtherName{}, false
	}
	if raw.ID.Tag != asn1.TagOID || id.UnmarshalBinary(raw.ID.Bytes) != nil {
		return cmapi.OtherName{}, false
	}
	if unmarshalAll(raw.Value.Bytes, &value) != nil || value.Class != asn1.ClassUniversal || value.Tag != asn1.TagUTF8String {
		return cmapi.OtherName{}, false
	}
	return cmapi.OtherName{OID: id.String(), UTF8Value: string(value.Bytes)}, true
}

var errNotASCII = errors.New("only ASCII characters can stand in a certificate here: write an international domain name in its xn-- form")

// checkIA5 refuses what an IA5String cannot hold.
func checkIA5(s string) error {
	for i := range len(s) {
		if s[i] > 0x7f {
			return errNotASCII
		}
	}
	return nil
}
