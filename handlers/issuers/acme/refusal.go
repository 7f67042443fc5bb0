package acme

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/certwright/certwright/handlers/issuers"
	proto "github.com/certwright/certwright/internal/acme"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

// question is a digest of what a server was asked, to tell whether it would be
// asked the same again. It has the key of a binding in it, but not to be read.
type question [sha256.Size]byte

func questionOf(a proto.Account, spec *cmacme.ACMEIssuer, binding *proto.Binding) question {
	text, err := json.Marshal(struct {
		ID      string
		Spec    *cmacme.ACMEIssuer
		Binding *proto.Binding
	}{a.ID(), spec, binding})
	if err != nil { // of plain data it never fails; a question like no other is asked again
		return question{}
	}
	return sha256.Sum256(text)
}

// refusal is the answer to a question, kept because asking again costs the
// account's limits and brings the same. After a restart it is asked once more.
type refusal struct {
	to    question
	at    time.Time
	ready issuers.Readiness
}

func (b *Backend) refuse(i issuers.Issuer, asked question, r issuers.Readiness) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refusals[keyOf(i)] = refusal{asked, b.clock.Now(), r}
}

// refused is what the same question was answered in the last hour.
func (b *Backend) refused(i issuers.Issuer, asked question) (issuers.Readiness, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, ok := b.refusals[keyOf(i)]
	left := again - b.clock.Now().Sub(known.at)
	if !ok || left <= 0 || known.to != asked {
		return issuers.Readiness{}, false
	}
	r := known.ready
	r.Recheck = left
	return r, true
}

func (b *Backend) forgive(i issuers.Issuer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.refusals, keyOf(i))
}
