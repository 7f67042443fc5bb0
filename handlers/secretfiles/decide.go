package secretfiles

import (
	"bytes"
	"fmt"
	"maps"

	"github.com/certwright/certwright/internal/pki"

	corev1 "k8s.io/api/core/v1"
)

// Names of the files.
const (
	CertFile = "tls.crt"
	KeyFile  = "tls.key"
	CAFile   = "ca.crt"
)

// Output says what is written where.
type Output struct {
	// Namespace and Name are the Secret's.
	Namespace, Name string
	// CertKey, KeyKey and CAKey are the data keys of its certificate chain,
	// private key and CA.
	CertKey, KeyKey, CAKey string
	// Directory is where the files go.
	Directory string
}

// Observed is all that Next looks at.
type Observed struct {
	Output Output
	// Secret is nil when it does not exist.
	Secret *corev1.Secret
	// Files are those that stand; nil when there are none.
	Files map[string][]byte
	// RemoveDeleted is whether files go when their Secret does.
	RemoveDeleted bool
}

// Step is what is to be done next: one of the types below.
type Step interface{ step() }

type (
	// Rest leaves the files alone until the Secret changes.
	Rest struct{}
	// Keep leaves the files alone although the Secret says otherwise.
	Keep struct{ Why error }
	// Write puts files in the place of those that stand.
	Write struct{ Files map[string][]byte }
	// Remove takes the files away.
	Remove struct{}
)

func (Rest) step()   {}
func (Keep) step()   {}
func (Write) step()  {}
func (Remove) step() {}

// Next decides on the one step to take.
func Next(o Observed) Step {
	switch {
	case o.Secret == nil && o.RemoveDeleted && o.Files != nil:
		return Remove{}
	case o.Secret == nil && o.RemoveDeleted:
		return Rest{}
	case o.Secret == nil:
		return Keep{fmt.Errorf("the Secret %s/%s does not exist: create it; it is written as soon as it is there", o.Output.Namespace, o.Output.Name)}
	}
	files, err := filesOf(o.Output, o.Secret)
	if err != nil {
		return Keep{fmt.Errorf("the Secret %s/%s: %w", o.Output.Namespace, o.Output.Name, err)}
	}
	if maps.EqualFunc(o.Files, files, bytes.Equal) {
		return Rest{}
	}
	return Write{files}
}

// filesOf takes out of a Secret a pair that a server can serve with. Errors:
// the data key and what is wrong with it, never the content.
func filesOf(o Output, s *corev1.Secret) (map[string][]byte, error) {
	for _, key := range []string{o.CertKey, o.KeyKey} {
		if len(s.Data[key]) == 0 {
			return nil, fmt.Errorf("%s is missing: it is written when it is complete", key)
		}
	}
	certs, err := pki.ParseCertificates(s.Data[o.CertKey])
	if err != nil {
		return nil, fmt.Errorf("%s: %w: store a PEM certificate chain", o.CertKey, err)
	}
	key, err := pki.ParseKey(s.Data[o.KeyKey])
	if err != nil {
		return nil, fmt.Errorf("%s: %w: store a PEM private key", o.KeyKey, err)
	}
	if !pki.SamePublicKey(certs[0].PublicKey, key.Public()) {
		return nil, fmt.Errorf("%s is not the key of the certificate in %s: store the two of one pair", o.KeyKey, o.CertKey)
	}
	files := map[string][]byte{CertFile: s.Data[o.CertKey], KeyFile: s.Data[o.KeyKey]}
	if ca := s.Data[o.CAKey]; len(ca) > 0 {
		if _, err := pki.ParseBundle(ca); err != nil {
			return nil, fmt.Errorf("%s: %w: store PEM certificates", o.CAKey, err)
		}
		files[CAFile] = ca
	}
	return files, nil
}
