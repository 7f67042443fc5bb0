package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// Extensions of RFC 5280 section 4.2.1.
var (
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidSubjectAltName   = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidNameConstraints  = asn1.ObjectIdentifier{2, 5, 29, 30}
	oidExtKeyUsage      = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// extension finds an extension by its identifier, or returns nil.
func extension(list []pkix.Extension, id asn1.ObjectIdentifier) *pkix.Extension {
	i := slices.IndexFunc(list, func(e pkix.Extension) bool { return e.Id.Equal(id) })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// keyUsageExtension encodes key usage, critical as RFC 5280 section 4.2.1.3
// asks. Bit 0 of the standard is the highest bit of the first byte.
func keyUsageExtension(usage x509.KeyUsage) (pkix.Extension, error) {
	raw := []byte{bits.Reverse8(byte(usage)), bits.Reverse8(byte(usage >> 8))}
	length := bits.Len16(uint16(usage))
	der, err := asn1.Marshal(asn1.BitString{Bytes: raw[:(length+7)/8], BitLength: length})
	return pkix.Extension{Id: oidKeyUsage, Critical: true, Value: der}, err
}

func parseKeyUsage(der []byte) (x509.KeyUsage, error) {
	var set asn1.BitString
	if err := unmarshalAll(der, &set); err != nil {
		return 0, fmt.Errorf("key usage: %w", err)
	}
	var usage x509.KeyUsage
	for i := range 9 {
		usage |= x509.KeyUsage(set.At(i)) << i
	}
	return usage, nil
}

// Purposes of RFC 5280 section 4.2.1.12, RFC 4945 section 5.1.3.12, and of the
// two vendors.
var extKeyUsageIDs = map[x509.ExtKeyUsage]asn1.ObjectIdentifier{
	x509.ExtKeyUsageAny:                        {2, 5, 29, 37, 0},
	x509.ExtKeyUsageServerAuth:                 {1, 3, 6, 1, 5, 5, 7, 3, 1},
	x509.ExtKeyUsageClientAuth:                 {1, 3, 6, 1, 5, 5, 7, 3, 2},
	x509.ExtKeyUsageCodeSigning:                {1, 3, 6, 1, 5, 5, 7, 3, 3},
	x509.ExtKeyUsageEmailProtection:            {1, 3, 6, 1, 5, 5, 7, 3, 4},
	x509.ExtKeyUsageIPSECEndSystem:             {1, 3, 6, 1, 5, 5, 7, 3, 5},
	x509.ExtKeyUsageIPSECTunnel:                {1, 3, 6, 1, 5, 5, 7, 3, 6},
	x509.ExtKeyUsageIPSECUser:                  {1, 3, 6, 1, 5, 5, 7, 3, 7},
	x509.ExtKeyUsageTimeStamping:               {1, 3, 6, 1, 5, 5, 7, 3, 8},
	x509.ExtKeyUsageOCSPSigning:                {1, 3, 6, 1, 5, 5, 7, 3, 9},
	x509.ExtKeyUsageMicrosoftServerGatedCrypto: {1, 3, 6, 1, 4, 1, 311, 10, 3, 3},
	x509.ExtKeyUsageNetscapeServerGatedCrypto:  {2, 16, 840, 1, 113730, 4, 1},
}

func extKeyUsageExtension(purposes []x509.ExtKeyUsage) (pkix.Extension, error) {
	ids := make([]asn1.ObjectIdentifier, len(purposes))
	for i, p := range purposes {
		ids[i] = extKeyUsageIDs[p]
	}
	der, err := asn1.Marshal(ids)
	return pkix.Extension{Id: oidExtKeyUsage, Value: der}, err
}

// parseExtKeyUsage returns the purposes the API has names for, and all others
// apart.
func parseExtKeyUsage(der []byte) (known []x509.ExtKeyUsage, unknown []asn1.ObjectIdentifier, err error) {
	var ids []asn1.ObjectIdentifier
	if err := unmarshalAll(der, &ids); err != nil {
		return nil, nil, fmt.Errorf("extended key usage: %w", err)
	}
next:
	for _, id := range ids {
		for purpose, have := range extKeyUsageIDs {
			if id.Equal(have) {
				known = append(known, purpose)
				continue next
			}
		}
		unknown = append(unknown, id)
	}
	return known, unknown, nil
}

// basicConstraints of RFC 5280 section 4.2.1.9. MaxPathLen -1 stands for none.
type basicConstraints struct {
	IsCA       bool `asn1:"optional"`
	MaxPathLen int  `asn1:"optional,default:-1"`
}

func basicConstraintsExtension(c basicConstraints) (pkix.Extension, error) {
	der, err := asn1.Marshal(c)
	return pkix.Extension{Id: oidBasicConstraints, Critical: true, Value: der}, err
}

func parseBasicConstraints(der []byte) (basicConstraints, error) {
	var c basicConstraints
	if err := unmarshalAll(der, &c); err != nil {
		return c, fmt.Errorf("basic constraints: %w", err)
	}
	if c.MaxPathLen < -1 {
		return c, errors.New("basic constraints: the path length is negative")
	}
	return c, nil
}

var errEncoding = errors.New("its encoding is damaged")

// unmarshalAll decodes DER that must be used up by the value. The decoder's
// own errors speak of Go types, which help nobody who reads a condition.
func unmarshalAll(der []byte, into any) error {
	if rest, err := asn1.Unmarshal(der, into); err != nil || len(rest) > 0 {
		return errEncoding
	}
	return nil
}
