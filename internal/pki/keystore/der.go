package keystore

import "encoding/asn1"

// maxNumber is the largest integer allowed in the clear part of a PKCS#12 file.
// The only large ones there are iteration counts, of which we write 2048 and
// other programs up to some ten thousand. The format sets no bound, so a file
// could keep a worker busy for hours.
const maxNumber = 100_000

// maxDepth is how deep the clear part is nested at most: 10 in what we write.
const maxDepth = 24

// modestNumbers walks over DER, into octet strings too where they hold a
// SEQUENCE, as the authenticated safe does (RFC 7292 section 4). It is false
// when anything is broken, nested too deep, or a number is too large.
func modestNumbers(der []byte, depth int) bool {
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil || depth > maxDepth {
			return false
		}
		der = rest
		switch {
		case v.Class == asn1.ClassUniversal && v.Tag == asn1.TagInteger:
			var n int
			if _, err := asn1.Unmarshal(v.FullBytes, &n); err != nil || n < 0 || n > maxNumber {
				return false
			}
		case v.IsCompound, v.Tag == asn1.TagOctetString && holdsSequence(v.Bytes):
			if !modestNumbers(v.Bytes, depth+1) {
				return false
			}
		}
	}
	return true
}

// holdsSequence tells whether bytes are exactly one SEQUENCE. A salt or a
// cipher text begins like one by chance, but does not end with it.
func holdsSequence(b []byte) bool {
	var v asn1.RawValue
	rest, err := asn1.Unmarshal(b, &v)
	return err == nil && len(rest) == 0 && v.Class == asn1.ClassUniversal && v.Tag == asn1.TagSequence
}
