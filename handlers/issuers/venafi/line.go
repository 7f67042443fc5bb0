package venafi

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	"github.com/certwright/certwright/handlers/issuers"

	"github.com/Venafi/vcert/v5/pkg/certificate"
	"github.com/Venafi/vcert/v5/pkg/endpoint"
	"github.com/Venafi/vcert/v5/pkg/venafi/cloud"
	"github.com/Venafi/vcert/v5/pkg/venafi/ngts"
	"github.com/Venafi/vcert/v5/pkg/venafi/tpp"
)

const (
	userAgent = "certwright"
	// tppScope is all that a token is asked for.
	tppScope = "certificate:manage"
	// answerTime is for a whole call, of which some make several requests.
	answerTime = 90 * time.Second
)

// connector is what we use of the library's.
type connector interface {
	Authenticate(*endpoint.Authentication) error
	ReadZoneConfiguration() (*endpoint.ZoneConfiguration, error)
	RequestCertificate(*certificate.Request) (string, error)
	RetrieveCertificate(*certificate.Request) (*certificate.PEMCollection, error)
	SetHTTPClient(*http.Client)
	SetUserAgent(string)
}

// line is one connection of the library, for one call at a time.
type line struct {
	connector
	witness  *witness
	meters   Meters
	material material
	token    string
}

// newLine makes a connection that has no credentials yet.
func newLine(meters Meters, m material) (*line, error) {
	l := &line{meters: meters, material: m}
	var err error
	switch m.kind {
	case tppServer:
		l.connector, err = tpp.NewConnector(m.spec().TPP.URL, m.spec().Zone, false, m.roots)
	case cloudServer:
		l.connector, err = cloud.NewConnector(m.spec().Cloud.URL, m.spec().Zone, false, nil)
	default:
		l.connector, err = ngts.NewConnector(m.spec().NGTS.URL, m.spec().Zone, false, nil)
	}
	if err != nil {
		return nil, unfit("%s: %q cannot be used: write it like https://tpp.example.com/vedsdk", m.server().Field, m.server().Address)
	}
	l.witness = &witness{RoundTripper: issuers.Transport(&tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: m.roots,
		// Servers on Windows ask for a certificate, or not, once they know the path.
		Renegotiation: tls.RenegotiateOnceAsClient,
	})}
	l.SetUserAgent(userAgent)
	return l, nil
}

// client is for a call under way: the library would put its own otherwise.
func (l *line) client() *http.Client { return &http.Client{Transport: l.witness, Timeout: answerTime} }

// login gets a token, and tells for how long; 0: nobody knows. A token or API
// key that a Secret holds is taken as it is.
func (l *line) login() (lasts time.Duration, err error) {
	l.SetHTTPClient(l.client())
	m := l.material
	switch c := l.connector.(type) {
	case *tpp.Connector:
		if m.token != "" {
			l.token = m.token
			return 0, nil
		}
		return l.timed(func() (time.Duration, error) {
			answer, err := c.GetRefreshToken(&endpoint.Authentication{User: m.user, Password: m.password, ClientId: m.client, Scope: tppScope})
			l.token = answer.Access_token
			return lifetime(answer.Expires, answer.ExpiresIn), err
		})
	case *ngts.Connector:
		return l.timed(func() (time.Duration, error) {
			answer, err := c.GetAccessToken(&endpoint.Authentication{ClientId: m.client, ClientSecret: m.password, Scope: m.scope, TokenURL: m.tokenURL})
			if err != nil {
				return 0, err
			}
			l.token = answer.AccessToken
			return time.Duration(answer.ExpiresIn) * time.Second, nil
		})
	}
	l.token = m.apiKey
	return 0, nil
}

// lifetime is told as a point in time, or as a length in seconds.
func lifetime(expires, seconds int) time.Duration {
	if seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if expires > 0 {
		return max(time.Second, time.Until(time.Unix(int64(expires), 0)))
	}
	return 0
}

func (l *line) timed(get func() (time.Duration, error)) (time.Duration, error) {
	began := time.Now()
	lasts, err := protect(get)
	l.meters.Token(err == nil, time.Since(began))
	if err == nil {
		return lasts, nil
	}
	if l.witness.status == http.StatusBadRequest { // OAuth's answer to wrong credentials (RFC 6749, section 5.2)
		l.witness.status = http.StatusUnauthorized
	}
	return 0, l.fault(err, "")
}

// authenticate gives the connection its token. With an access token the library
// asks for nothing as long as it has no client of ours.
func (l *line) authenticate(token string) error {
	l.token = token
	if l.material.kind == cloudServer {
		l.SetHTTPClient(l.client())
		_, err := l.timed(func() (time.Duration, error) {
			return 0, l.Authenticate(&endpoint.Authentication{APIKey: token})
		})
		return err
	}
	l.SetHTTPClient(nil)
	_, err := protect(func() (struct{}, error) {
		return struct{}{}, l.Authenticate(&endpoint.Authentication{AccessToken: token})
	})
	l.SetHTTPClient(l.client())
	return l.fault(err, "")
}

// verify asks whether an access token that a Secret holds is good. Every other
// was good enough just now to be here.
func (l *line) verify() error {
	c, ok := l.connector.(*tpp.Connector)
	if !ok || l.material.token == "" {
		return nil
	}
	_, err := l.timed(func() (time.Duration, error) {
		_, err := c.VerifyAccessToken(&endpoint.Authentication{AccessToken: l.token})
		return 0, err
	})
	return err
}

// call makes one call of the library and measures it.
func call[T any](l *line, name string, do func() (T, error)) (T, error) {
	began := time.Now()
	defer func() { l.meters.Call(name, time.Since(began)) }()
	return protect(do)
}

// protect has a panic of the library, such as on an answer without an entry,
// come back as an error.
func protect[T any](do func() (T, error)) (out T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the answer cannot be used: %v", r)
		}
	}()
	return do()
}
