package queue

import (
	"fmt"
	"time"
)

// Kind says what sort of object a Key names. Every Kind has one handler in
// daemon/wire.go and a route or a cron entry that wakes it.
type Kind uint8

// The kinds. A new one takes a line here and a row in the table below.
const (
	// The zero Kind is nobody's, so that a Key left empty by mistake is refused
	// and not taken for somebody else's.
	_ Kind = iota
	// Certificate is a cert-manager.io Certificate.
	Certificate
	// CertificateRequest is a cert-manager.io CertificateRequest.
	CertificateRequest
	// Issuer is a cert-manager.io Issuer.
	Issuer
	// ClusterIssuer is a cert-manager.io ClusterIssuer.
	ClusterIssuer
	// SigningRequest is a certificates.k8s.io CertificateSigningRequest.
	SigningRequest
	// WebhookSet is a configured set of webhook certificates; it has no namespace.
	WebhookSet
	// MutatingWebhook is a MutatingWebhookConfiguration that a CA bundle is injected into.
	MutatingWebhook
	// ValidatingWebhook is a ValidatingWebhookConfiguration of that sort.
	ValidatingWebhook
	// APIService is an apiregistration.k8s.io APIService of that sort.
	APIService
	// CustomResource is a CustomResourceDefinition of that sort.
	CustomResource
	// SecretFiles is a Secret that is written into a directory, by every replica.
	SecretFiles
	// Order is an acme.cert-manager.io Order.
	Order
	// Challenge is an acme.cert-manager.io Challenge.
	Challenge
	// ChallengePlaces is one key only, [Places]: who may prove a name now.
	ChallengePlaces
	// Ingress is a networking.k8s.io Ingress that asks for certificates.
	Ingress
	// Gateway is a gateway.networking.k8s.io Gateway of that sort.
	Gateway
	// ListenerSet is a gateway.networking.k8s.io ListenerSet of that sort.
	ListenerSet
	// SolverServices is one key only, [SharedServices]: what the HTTP-01
	// challenges of a namespace share.
	SolverServices
	// Restarts is one key for each namespace ([RestartsIn]): the workloads there
	// that are restarted when a certificate is renewed, one after the other.
	Restarts

	kindCount
)

// kindRow is all the queue knows about a kind.
type kindRow struct {
	noun       string  // in logs and in the label "kind"
	controller string  // in the contract's label "controller"
	lane       Lane    // whose workers serve it
	backoff    backoff // how failures of one key are spaced
}

// kinds is the table of kinds. The back-offs are the API contract's. Issuers
// sit in the remote lane because they ask ACME, Vault or Venafi whether they
// are ready; a request is local because most are signed here.
var kinds = [kindCount]kindRow{
	Certificate:        {"certificate", "certificates", Local, backoff{time.Second, 30 * time.Second}},
	CertificateRequest: {"certificaterequest", "certificaterequests", Local, backoff{time.Second, 30 * time.Second}},
	Issuer:             {"issuer", "issuers", Remote, backoff{5 * time.Second, 5 * time.Minute}},
	ClusterIssuer:      {"clusterissuer", "clusterissuers", Remote, backoff{5 * time.Second, 5 * time.Minute}},
	SigningRequest:     {"certificatesigningrequest", "certificatesigningrequests", Local, backoff{time.Second, 30 * time.Second}},
	// Remote, because during a rotation it looks at what the servers serve.
	WebhookSet: {"webhookset", "webhookcertificates", Remote, backoff{time.Second, time.Minute}},
	// The nouns of these four are also in internal/api, with their resources.
	MutatingWebhook:   {"mutatingwebhookconfiguration", "mutatingwebhookconfigurations", Local, backoff{time.Second, time.Minute}},
	ValidatingWebhook: {"validatingwebhookconfiguration", "validatingwebhookconfigurations", Local, backoff{time.Second, time.Minute}},
	APIService:        {"apiservice", "apiservices", Local, backoff{time.Second, time.Minute}},
	CustomResource:    {"customresourcedefinition", "customresourcedefinitions", Local, backoff{time.Second, time.Minute}},
	SecretFiles:       {"secretfiles", "secretfiles", Local, backoff{time.Second, 30 * time.Second}},
	// The other side names longer waits itself (Retry-After); what it does not
	// name are faults of a network, which pass in seconds.
	Order:           {"order", "orders", Remote, backoff{time.Second, 5 * time.Minute}},
	Challenge:       {"challenge", "challenges", Remote, backoff{time.Second, 5 * time.Minute}},
	ChallengePlaces: {"challengeplaces", "challenges-scheduler", Local, backoff{time.Second, 30 * time.Second}},
	Ingress:         {"ingress", "ingress-shim", Local, backoff{time.Second, 30 * time.Second}},
	Gateway:         {"gateway", "gateway-shim", Local, backoff{time.Second, 30 * time.Second}},
	ListenerSet:     {"listenerset", "listenerset-shim", Local, backoff{time.Second, 30 * time.Second}},
	Restarts:        {"restarts", "restarts", Local, backoff{time.Second, time.Minute}},
	SolverServices:  {"solverservices", "challenges-sweep", Remote, backoff{5 * time.Second, 5 * time.Minute}},
}

// Places is the one key of [ChallengePlaces]. Equal keys never run twice at
// once, so that who serves it needs no lock.
var Places = Key{Kind: ChallengePlaces, Name: "all"}

// SharedServices is the one key of [SolverServices], which a cron entry wakes.
var SharedServices = Key{Kind: SolverServices, Name: "all"}

// RestartsIn is the key of [Restarts] for a namespace.
func RestartsIn(namespace string) Key {
	return Key{Kind: Restarts, Namespace: namespace, Name: "all"}
}

// Kinds lists every kind there is, in the order of the constants.
func Kinds() []Kind {
	all := make([]Kind, 0, kindCount-1)
	for k := Kind(1); k < kindCount; k++ {
		all = append(all, k)
	}
	return all
}

// String gives the resource noun that logs and metrics use: "certificate".
func (k Kind) String() string {
	if !k.known() {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kinds[k].noun
}

// Lane says whose workers serve this kind.
func (k Kind) Lane() Lane {
	if !k.known() {
		return Local
	}
	return kinds[k].lane
}

func (k Kind) known() bool { return k > 0 && k < kindCount }
