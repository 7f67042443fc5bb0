package pki

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
)

// The most bytes of PEM that a parser takes. The limits stand before any
// decoding because the cost of decoding grows faster than its input. A private
// key of 13 000 bytes is RSA with 16 384 bits; a certificate of 80 000 bytes has
// a thousand names of 50 characters, and leaves a chain room for those above it;
// a bundle of 330 000 bytes holds every root that a browser trusts.
const (
	MaxKeyPEM         = 13_000
	MaxCertificatePEM = 80_000
	MaxChainPEM       = 95_000
	MaxBundlePEM      = 330_000
)

// ErrTooLarge is in the chain of every error that a parser returns for input
// above its limit.
var ErrTooLarge = errors.New("too large")

func checkSize(what string, data []byte, limit int) error {
	if len(data) > limit {
		return fmt.Errorf("%s: %w: %d bytes of PEM, at most %d are read", what, ErrTooLarge, len(data), limit)
	}
	return nil
}

var (
	pemBegin = []byte("-----BEGIN ")
	pemEnd   = []byte("-----END ")
)

// nextBlock reads one PEM block (RFC 7468). The standard decoder skips what it
// cannot read; here a block of which anything is left is an error, so that no
// certificate of a chain is lost in silence. It returns nil without an error
// when no further block begins. n counts blocks from 1, for the error.
func nextBlock(data []byte, n int) (*pem.Block, []byte, error) {
	damaged := fmt.Errorf("PEM block %d is damaged: its BEGIN and END lines or its base64 do not fit", n)
	start := indexBegin(data)
	text := data // passed over
	if start >= 0 {
		text = data[:start]
	}
	switch {
	case bytes.Contains(text, pemBegin), bytes.Contains(text, pemEnd):
		return nil, nil, damaged
	case start < 0:
		return nil, data, nil
	}
	data = data[start:]
	// Only the text of this one block goes to the decoder: a broken block
	// then cannot make it search on through everything behind.
	end := len(data)
	if next := indexBegin(data[len(pemBegin):]); next >= 0 {
		end = len(pemBegin) + next
	}
	block, rest := pem.Decode(data[:end])
	if block == nil {
		return nil, nil, damaged
	}
	return block, data[end-len(rest):], nil
}

// indexBegin finds the next line that begins a PEM block, or -1.
func indexBegin(data []byte) int {
	for from := 0; ; {
		i := bytes.Index(data[from:], pemBegin)
		if i < 0 {
			return -1
		}
		i += from
		if i == 0 || data[i-1] == '\n' {
			return i
		}
		from = i + len(pemBegin)
	}
}

// label cuts a PEM label for use in an error: it is text of a stranger.
func label(block *pem.Block) string {
	const most = 40
	if len(block.Type) > most {
		return block.Type[:most] + "..."
	}
	return block.Type
}
