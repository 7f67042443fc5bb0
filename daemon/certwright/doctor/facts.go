package doctor

import (
	"time"

	"github.com/certwright/certwright/daemon/certwright/checks"
)

// Facts is what was seen. Of what could not be looked at, a Fault says why.
type Facts struct {
	Server      Server
	Checks      []checks.Finding
	Definitions []Definition
	Rights      Rights
	Policies    Policies
	Webhooks    []Webhook
	Issuers     []Issuer
	Solvers     []checks.Solver
	Resolvers   []Resolver
	Responder   Responder
	Stuck       []Stuck
	Secrets     []Secret
	// Unseen are the parts that could not be looked at, by name.
	Unseen map[string]string
}

// Server is the API server and the way to it.
type Server struct {
	Host, Fault, Remedy string
	Latency             time.Duration
	Skew                time.Duration // our clock is ahead by that
	// Who we are there, and by what kind of credentials until when; zero: for ever.
	Who, Credentials string
	Until            time.Time
}

// Definition is a CustomResourceDefinition that certwright works with.
type Definition struct {
	Name string
	// Missing is set when there is none; Lacks are fields that it does not know.
	Missing bool
	Lacks   []string
	// NoStatus is set when it has no status subresource.
	NoStatus bool
	// Going is set when it is being deleted.
	Going bool
	// Converter is the Service namespace/name that converts its objects.
	Converter *Backend
}

// Backend is a Service that the API server calls.
type Backend struct {
	Namespace, Name string
	// Ready is how many endpoints answer.
	Ready int
}

// Rights is what an account may do.
type Rights struct {
	Of      string
	Asked   int
	Missing []string
}

// Policies is which of deploy/policies are installed, and bound.
type Policies struct {
	// Served is false where the API server is too old for them.
	Served           bool
	Missing, Unbound []string
}

// Webhook is an admission webhook that sees objects of cert-manager.io.
type Webhook struct {
	// Kind is that of the configuration it stands in, Configuration its name.
	Kind, Configuration, Name string
	Backend                   *Backend // nil: a URL
	// Blocks is set when calls are refused while it does not answer.
	Blocks bool
}

// Issuer is an Issuer or a ClusterIssuer.
type Issuer struct {
	Kind, Namespace, Name string
	// Type is CA, ACME, ...; URL the server it asks, if any.
	Type, URL string
	Ready     bool
	Message   string
	// Fault is why the server does not answer as it should; Took how long that took.
	Fault string
	Took  time.Duration
	// Unlooked is why the server was not asked.
	Unlooked string
}

// Resolver is a DNS server that is asked for names.
type Resolver struct {
	Address, Fault string
	Took           time.Duration
}

// Responder is where HTTP-01 validation is answered.
type Responder struct {
	// Needed is set when an issuer proves names by HTTP-01.
	Needed         bool
	Address, Fault string
}

// Stuck is an object that does not go away.
type Stuck struct {
	Kind, Namespace, Name string
	Since                 time.Time
	Finalizers            []string
}

// Secret is what is wrong with one.
type Secret struct {
	Namespace, Name string
	// Of is the Certificate or issuer it belongs to.
	Of, Fault string
	// Harmful is set when what it is for cannot work.
	Harmful bool
}
