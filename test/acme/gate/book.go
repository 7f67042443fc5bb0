package gate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Action is what a request is for.
type Action string

// The actions of RFC 8555 and RFC 9773, told by the paths that pebble uses.
const (
	Directory     Action = "directory"
	NewNonce      Action = "newNonce"
	NewAccount    Action = "newAccount"
	Account       Action = "account"
	Orders        Action = "orders"
	NewOrder      Action = "newOrder"
	Order         Action = "order"
	Authorization Action = "authorization"
	Challenge     Action = "challenge"
	Finalize      Action = "finalize"
	Certificate   Action = "certificate"
	Revoke        Action = "revoke"
	RenewalInfo   Action = "renewalInfo"
	Other         Action = "other"
)

var paths = []struct {
	prefix string
	action Action
}{
	{"/dir", Directory}, {"/nonce-plz", NewNonce}, {"/sign-me-up", NewAccount}, {"/my-account/", Account},
	{"/list-orderz/", Orders}, {"/order-plz", NewOrder}, {"/my-order/", Order}, {"/authZ/", Authorization},
	{"/chalZ/", Challenge}, {"/finalize-order/", Finalize}, {"/certZ/", Certificate},
	{"/revoke-cert", Revoke}, {"/draft-ietf-acme-ari-03/renewalInfo/", RenewalInfo},
}

// Call is a request that came to the gate.
type Call struct {
	At     time.Time
	Action Action
	Path   string
	// Status is what was answered, also when the answer was lost on its way; 0
	// when there was none.
	Status int
	// Payload is what a signed request asked for, empty for POST-as-GET.
	Payload json.RawMessage
}

// Names are the identifiers that a newOrder asks for, in its order.
func (c Call) Names() []string {
	var order struct {
		Identifiers []struct{ Value string }
	}
	_ = json.Unmarshal(c.Payload, &order) // no order, no names
	var names []string
	for _, identifier := range order.Identifiers {
		names = append(names, identifier.Value)
	}
	return names
}

// Field is a string of the payload, such as "profile" or "replaces".
func (c Call) Field(name string) string {
	var fields map[string]any
	_ = json.Unmarshal(c.Payload, &fields) // no payload, no field
	text, _ := fields[name].(string)
	return text
}

// Calls returns the calls so far, of these actions or of all.
func (g *Gate) Calls(actions ...Action) []Call {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(actions) == 0 {
		return slices.Clone(g.calls)
	}
	return slices.DeleteFunc(slices.Clone(g.calls), func(c Call) bool { return !slices.Contains(actions, c.Action) })
}

// OrdersFor returns the newOrder calls that the server answered with an order
// for exactly these names.
func (g *Gate) OrdersFor(names ...string) []Call {
	slices.Sort(names)
	return slices.DeleteFunc(g.Calls(NewOrder), func(c Call) bool {
		asked := c.Names()
		slices.Sort(asked)
		return c.Status != http.StatusCreated || !slices.Equal(asked, names)
	})
}

func (g *Gate) note(call Call, status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	call.Status = status
	g.calls = append(g.calls, call)
}

// read takes the request's body and puts it back.
func read(r *http.Request) (Call, error) {
	call := Call{At: time.Now(), Action: Other, Path: r.URL.Path}
	for _, path := range paths {
		if strings.HasPrefix(r.URL.Path, path.prefix) {
			call.Action = path.action
			break
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return call, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var signed struct{ Payload string }
	_ = json.Unmarshal(body, &signed) // what is not signed has no payload
	call.Payload, err = base64.RawURLEncoding.DecodeString(signed.Payload)
	return call, err
}
