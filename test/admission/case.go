package admission

import (
	"fmt"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Object is a pointer to an API type.
type Object interface {
	runtime.Object
	metav1.Object
}

// Case is one write, and what must come of it.
type Case struct {
	Name string
	// User is who writes. nil: Developer.
	User *User
	// Old is what is there; nil when New is created. It was there before the
	// rules were, so it need not keep them.
	Old, New Object
	// Status makes it a write to the status.
	Status bool
	// Raw writes into New what Go's types cannot hold. Only the server can
	// refuse that.
	Raw func(object map[string]any)
	// Unstamped leaves out what writes the requester into a request.
	Unstamped bool

	// Field is named by the refusal, as spec.dnsNames[1]. Empty: accepted.
	Field string
	// Only is the side that refuses; the other must accept. Because says why.
	Only    Side
	Because string
	// Stored is what an accepted object must hold on both sides.
	Stored func(object *unstructured.Unstructured) error
}

// Side is one of the two forms of the rules.
type Side string

// The two sides. The schema of the resources belongs to the server.
const (
	Both   Side = ""
	Rules  Side = "the Go rules"
	Server Side = "the API server"
)

// Who returns the user of the case.
func (c Case) Who() *User {
	if c.User == nil {
		return Developer
	}
	return c.User
}

// Asks reports whether a side has an answer to the case.
func (c Case) Asks(side Side) bool { return c.Raw == nil || side == Server }

// refuses reports whether a side is to refuse the case.
func (c Case) refuses(side Side) bool {
	return c.Field != "" && (c.Only == Both || c.Only == side)
}

// Verdict is what one side says to a case.
type Verdict struct {
	Refused bool
	Message string
	// Object is what would be stored.
	Object *unstructured.Unstructured
}

// Judge returns what is wrong with a side's verdict.
func (c Case) Judge(side Side, v Verdict) error {
	switch {
	case v.Refused && !c.refuses(side):
		return fmt.Errorf("%s: %s refused it: %s", c.Name, side, v.Message)
	case !v.Refused && c.refuses(side):
		return fmt.Errorf("%s: %s accepted it, but %s is wrong", c.Name, side, c.Field)
	case strings.Contains(v.Message, "resulted in error"):
		return fmt.Errorf("%s: %s could not decide: %s", c.Name, side, v.Message)
	case v.Refused && !names(v.Message, c.Field):
		return fmt.Errorf("%s: %s does not name %s: %s", c.Name, side, c.Field, v.Message)
	case !v.Refused && c.Stored != nil && v.Object != nil:
		if err := c.Stored(v.Object); err != nil {
			return fmt.Errorf("%s: %s would store: %w", c.Name, side, err)
		}
	}
	return nil
}

// names reports whether a message speaks of a field or of one inside it; of the
// whole spec only when it says so itself. spec.url is not named by spec.urls.
func names(message, field string) bool {
	ends := ": ,."
	if field == "spec" {
		ends = ": ,"
	}
	for rest := message; ; {
		_, after, found := strings.Cut(rest, field)
		if !found {
			return false
		}
		if after == "" || strings.ContainsAny(after[:1], ends) {
			return true
		}
		rest = after
	}
}

// User is somebody who writes.
type User struct {
	Name, UID string
	Groups    []string
	Extra     map[string][]string
	// Approves are the names of the signers the user may approve for.
	Approves []string
}

// authenticated is the group that the API server puts everybody into.
const authenticated = "system:authenticated"

// Info is the user as the API server knows him.
func (u *User) Info() authenticationv1.UserInfo {
	info := authenticationv1.UserInfo{Username: u.Name, UID: u.UID, Groups: append(slices.Clone(u.Groups), authenticated)}
	for key, values := range u.Extra {
		if info.Extra == nil {
			info.Extra = map[string]authenticationv1.ExtraValue{}
		}
		info.Extra[key] = values
	}
	return info
}

// The users of the cases. All may write the objects; what they may approve differs.
var (
	Developer = &User{Name: "dora", UID: "dora-1", Groups: []string{writers, "team"}, Extra: map[string][]string{"example.com/team": {"blue", "green"}}}
	Plain     = &User{Name: "paul", Groups: []string{writers}}
	ByKind    = &User{Name: "kim", Groups: []string{writers}, Approves: []string{"issuers.cert-manager.io/*", "widgetissuers.example.com/*"}}
	ByIssuer  = &User{Name: "ines", Groups: []string{writers}, Approves: []string{"issuers.cert-manager.io/" + Namespace + ".root", "policies.example.com/" + Namespace + ".root"}}
	ByCluster = &User{Name: "carl", Groups: []string{writers}, Approves: []string{
		"clusterissuers.cert-manager.io/root", "widgetclusterissuers.example.com/root", "widgetissuers.example.com/root",
		"widgetissuers.example.com/elsewhere.root"}}
	Daemon = &User{Name: "system:serviceaccount:cert-manager:certwright", Groups: []string{"system:serviceaccounts", "system:serviceaccounts:cert-manager"},
		Approves: []string{"issuers.cert-manager.io/*", "clusterissuers.cert-manager.io/*"}}
)

// writers is the group whose members may write all objects of the cases.
const writers = "writers"

// Namespace is where the objects of the cases are.
const Namespace = "team"

// Users are those that get their rights from the table. The Daemon has its own
// from deploy/rbac.
func Users() []*User { return []*User{Developer, Plain, ByKind, ByIssuer, ByCluster} }

// Writers is the group of Users.
func Writers() string { return writers }

// Cases is the table.
func Cases() []Case {
	all := slices.Concat(certificates(), certificateNames(), crowds(), certificateKeys(), issuers(), acmeIssuers(), solvers(), providers(), vaultIssuers(),
		requests(), requestChanges(), approvals(), acmeObjects())
	for i := range all {
		name := fmt.Sprintf("case-%03d", i+1)
		for _, object := range []Object{all[i].Old, all[i].New} {
			if object != nil && object.GetName() == "" {
				object.SetName(name)
			}
		}
	}
	return all
}
