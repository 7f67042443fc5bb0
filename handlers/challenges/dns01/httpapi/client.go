package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/http/httpguts"
)

// Timeout of one request: slow providers take some ten seconds for a change.
const Timeout = 30 * time.Second

// maxBody bounds what is read of an answer: far more than any page of records.
const maxBody = 8 << 20

// Client asks one provider.
type Client struct {
	// Base is an URL without a final slash.
	Base string
	// Header goes with each request: credentials and the like.
	Header http.Header
	// HTTP sends the requests; nil takes a plain one with [Timeout].
	HTTP *http.Client
	// Words finds the provider's own words in the body of an error.
	Words func(body []byte) string
}

// Error is an answer that is no success.
type Error struct {
	Status int
	// Words are the provider's; empty when it used none.
	Words string
}

func (e *Error) Error() string {
	if e.Words == "" {
		return fmt.Sprintf("it answers HTTP status %d", e.Status)
	}
	return fmt.Sprintf("it answers HTTP status %d: %s", e.Status, e.Words)
}

// Credential is the error of a transport that could not get what to sign in
// with, as distinct from what the provider said.
type Credential struct {
	Err error
	// Denied: it will not be had by trying again.
	Denied bool
}

func (e *Credential) Error() string { return e.Err.Error() }
func (e *Credential) Unwrap() error { return e.Err }

// Status is that of an [Error], or 0.
func Status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// Denied reports that a provider does not let us do it.
func Denied(err error) bool {
	s := Status(err)
	return s == http.StatusUnauthorized || s == http.StatusForbidden
}

// ValidHeader reports whether a credential can stand in a header. One that
// cannot must not get that far: Go would say it aloud in its error.
func ValidHeader(value string) bool { return httpguts.ValidHeaderFieldValue(value) }

// Do sends body as JSON, if there is one, and reads the answer into result, if
// that is wanted. Errors: an [*Error], or that the provider cannot be reached.
func (c *Client) Do(ctx context.Context, method, path string, body, result any) error {
	return c.DoWith(ctx, nil, method, path, body, result)
}

// DoWith is [Client.Do] with some more headers.
func (c *Client) DoWith(ctx context.Context, header http.Header, method, path string, body, result any) error {
	request, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	maps.Copy(request.Header, header)
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: Timeout}
	}
	response, err := client.Do(request)
	if err != nil {
		return unreachable(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return unreachable(err)
	}
	if response.StatusCode/100 != 2 {
		return &Error{response.StatusCode, c.words(answer)}
	}
	if result == nil {
		return nil
	}
	if len(answer) == 0 {
		return nil // 204
	}
	if err := json.Unmarshal(answer, result); err != nil {
		return errors.New("it answers what is not the JSON of its API: is something between us and it?")
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.Base+path, content)
	if err != nil {
		return nil, errors.New("its address is no URL")
	}
	request.Header = c.Header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// unreachable leaves out the address, which changes, and the URL.
func unreachable(err error) error {
	var u *url.Error
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &u) && errors.As(u.Err, new(*Credential)):
		return u.Err
	case errors.As(err, &u) && u.Timeout():
		return errors.New("it does not answer in time")
	case errors.As(err, &u):
		return fmt.Errorf("it cannot be reached: %s", Stable(u.Err.Error()))
	}
	return errors.New("its answer ended early")
}

func (c *Client) words(body []byte) string {
	if c.Words == nil {
		return ""
	}
	return Stable(c.Words(body))
}

// maxWords is enough of a provider's words for a status.
const maxWords = 300

// Stable makes one short line of a provider's words, without the ports of our
// own side that a network fault names.
func Stable(words string) string {
	line := strings.Join(strings.FieldsFunc(words, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if from, to, ok := strings.Cut(line, "->"); ok { // "read tcp 10.0.0.1:52144->192.0.2.1:443: ..."
		if before, _, ok := cutLast(from, " "); ok {
			line = before + " " + to
		}
	}
	if len(line) > maxWords {
		line = strings.ToValidUTF8(line[:maxWords], "") + " ..."
	}
	return line
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
