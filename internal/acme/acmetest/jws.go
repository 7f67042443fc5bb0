package acmetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"net/http"
	"slices"
)

// jws is a flattened JSON web signature (RFC 7515, section 7.2.2).
type jws struct{ Protected, Payload, Signature string }

type protected struct {
	Alg, Nonce, URL, Kid string
	JWK                  *jwk
}

// jwk is a public key (RFC 7517).
type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	E   string `json:"e,omitempty"`
	N   string `json:"n,omitempty"`
}

// thumbprint is that of RFC 7638.
func (k jwk) thumbprint() string {
	text := fmt.Sprintf(`{"crv":%q,"kty":"EC","x":%q,"y":%q}`, k.Crv, k.X, k.Y)
	if k.Kty == "RSA" {
		text = fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, k.E, k.N)
	}
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func decode(text string) []byte {
	data, _ := base64.RawURLEncoding.DecodeString(text) // nonsense fails where it is used
	return data
}

func (k jwk) public() (crypto.PublicKey, error) {
	if k.Kty == "RSA" {
		return &rsa.PublicKey{N: new(big.Int).SetBytes(decode(k.N)), E: int(new(big.Int).SetBytes(decode(k.E)).Int64())}, nil
	}
	curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Crv]
	if curve == nil {
		return nil, Problem{Type: "badPublicKey", Detail: "the key is of an unknown kind"}
	}
	return ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, decode(k.X), decode(k.Y))) // 4: both follow
}

// verify checks signature, URL and nonce, and finds the account. The lock is held.
func (s *Server) verify(e jws, url string) (call, error) {
	var head protected
	if err := json.Unmarshal(decode(e.Protected), &head); err != nil {
		return call{}, err
	}
	c := call{url: url, payload: decode(e.Payload)}
	switch {
	case head.URL != url:
		return c, Problem{Status: http.StatusUnauthorized, Type: "unauthorized", Detail: "signed for " + head.URL + ", sent to " + url}
	case head.JWK != nil:
		c.key = *head.JWK
	default:
		if c.account = s.accounts[head.Kid]; c.account == nil {
			return c, Problem{Type: "accountDoesNotExist", Detail: "there is no account " + head.Kid}
		}
		c.key = c.account.key
	}
	if err := check(c.key, head.Alg, e); err != nil {
		return c, Problem{Type: "malformed", Detail: err.Error()}
	}
	if refused := s.options.RefuseNonce != nil && s.options.RefuseNonce(); refused || !s.nonces[head.Nonce] {
		return c, Problem{Type: "badNonce", Detail: "the nonce " + head.Nonce + " is not good"}
	}
	delete(s.nonces, head.Nonce)
	if c.account != nil && c.account.status != "valid" {
		return c, Problem{Status: http.StatusForbidden, Type: "unauthorized", Detail: "the account is not valid: it is " + c.account.status}
	}
	return c, nil
}

// check verifies a signature by RS256, ES256, ES384 or ES512 (RFC 7518, section 3).
func check(k jwk, alg string, e jws) error {
	key, err := k.public()
	if err != nil {
		return err
	}
	text, signature := e.Protected+"."+e.Payload, decode(e.Signature)
	if key, ok := key.(*rsa.PublicKey); ok && alg == "RS256" {
		sum := sha256.Sum256([]byte(text))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	}
	ec, ok := key.(*ecdsa.PublicKey)
	h := map[string]hash.Hash{"ES256": sha256.New(), "ES384": sha512.New384(), "ES512": sha512.New()}[alg]
	if !ok || h == nil {
		return errors.New("the algorithm does not fit the key")
	}
	h.Write([]byte(text))
	half := len(signature) / 2
	if !ecdsa.Verify(ec, h.Sum(nil), new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])) {
		return errors.New("the signature is wrong")
	}
	return nil
}

// bound checks an external account binding (RFC 8555, section 7.3.4).
func (s *Server) bound(raw json.RawMessage, key jwk) error {
	if len(s.options.Bindings) == 0 {
		return nil
	}
	var e jws
	var head protected
	if len(raw) == 0 || json.Unmarshal(raw, &e) != nil || json.Unmarshal(decode(e.Protected), &head) != nil {
		return Problem{Status: http.StatusForbidden, Type: "externalAccountRequired", Detail: "an external account is needed"}
	}
	secret, known := s.options.Bindings[head.Kid]
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(e.Protected + "." + e.Payload))
	var inner jwk
	err := json.Unmarshal(decode(e.Payload), &inner)
	if !known || err != nil || head.Alg != "HS256" || head.URL != s.base+"/new-account" || inner != key || !hmac.Equal(mac.Sum(nil), decode(e.Signature)) {
		return Problem{Status: http.StatusForbidden, Type: "unauthorized", Detail: "the external account binding is wrong"}
	}
	return nil
}

func (s *Server) nonce() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	n := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "nonce-%d", s.serial))
	s.nonces[n] = true
	return n
}
