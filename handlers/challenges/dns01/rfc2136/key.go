package rfc2136

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // HMAC-MD5 is the default of the API contract, and unbroken
	"crypto/sha1" //nolint:gosec // as HMAC-SHA1, which is unbroken
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"

	"github.com/miekg/dns"
)

// algorithms by the names of the API contract, section 1.4. MD5 is its default.
var algorithms = map[string]string{
	"": dns.HmacMD5, "HMACMD5": dns.HmacMD5, "HMACSHA1": dns.HmacSHA1,
	"HMACSHA256": dns.HmacSHA256, "HMACSHA512": dns.HmacSHA512,
}

// key signs by TSIG. The library's own has given up HMAC-MD5, which the
// contract has as its default and BIND still takes; as a keyed hash it is not
// broken.
type key struct {
	secret    []byte
	algorithm string
}

func (k key) hash() func() hash.Hash {
	switch k.algorithm {
	case dns.HmacMD5:
		return md5.New
	case dns.HmacSHA1:
		return sha1.New
	case dns.HmacSHA256:
		return sha256.New
	}
	return sha512.New
}

// Generate makes the signature of a message.
func (k key) Generate(msg []byte, _ *dns.TSIG) ([]byte, error) {
	sum := hmac.New(k.hash(), k.secret)
	sum.Write(msg)
	return sum.Sum(nil), nil
}

// Verify compares a signature with what it should be.
func (k key) Verify(msg []byte, t *dns.TSIG) error {
	mac, err := hex.DecodeString(t.MAC)
	if err != nil {
		return err
	}
	if sum, _ := k.Generate(msg, t); !hmac.Equal(sum, mac) {
		return dns.ErrSig
	}
	return nil
}
