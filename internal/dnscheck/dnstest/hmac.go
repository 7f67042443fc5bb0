package dnstest

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // HMAC-MD5 is the default of the API contract, and unbroken
	"crypto/sha1" //nolint:gosec // as HMAC-SHA1, which is unbroken
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"

	"github.com/miekg/dns"
)

// hmacKey is the secret of a TSIG key, in base64. It knows HMAC-MD5 too, which
// the library has given up and many servers have not.
type hmacKey string

func (k hmacKey) Generate(msg []byte, t *dns.TSIG) ([]byte, error) {
	secret, err := base64.StdEncoding.DecodeString(string(k))
	if err != nil {
		return nil, err
	}
	kinds := map[string]func() hash.Hash{
		dns.HmacMD5: md5.New, dns.HmacSHA1: sha1.New, dns.HmacSHA256: sha256.New, dns.HmacSHA512: sha512.New,
	}
	kind := kinds[dns.CanonicalName(t.Algorithm)]
	if kind == nil {
		return nil, dns.ErrKeyAlg
	}
	sum := hmac.New(kind, secret)
	sum.Write(msg)
	return sum.Sum(nil), nil
}

func (k hmacKey) Verify(msg []byte, t *dns.TSIG) error {
	sum, err := k.Generate(msg, t)
	if err != nil {
		return err
	}
	mac, err := hex.DecodeString(t.MAC)
	if err != nil || !hmac.Equal(sum, mac) {
		return dns.ErrSig
	}
	return nil
}
