package api

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

// maxPrefix is how much of a Certificate's name goes into the name of a
// child: Kubernetes allows 253 characters, and a hash and a revision follow.
const maxPrefix = 233

// IssuerRef returns ref with the contract's defaults filled in: kind Issuer,
// group cert-manager.io. Two references are equal when their defaulted forms are.
func IssuerRef(ref cmmeta.IssuerReference) cmmeta.IssuerReference {
	if ref.Kind == "" {
		ref.Kind = cmapi.IssuerKind
	}
	if ref.Group == "" {
		ref.Group = certmanager.GroupName
	}
	return ref
}

// OwnGroup reports whether ref names an issuer of the group certwright serves
// itself. Every other group belongs to an external issuer's controller.
func OwnGroup(ref cmmeta.IssuerReference) bool {
	return IssuerRef(ref).Group == certmanager.GroupName
}

// KnownKind reports whether ref's kind is one of the kinds of our own group.
func KnownKind(ref cmmeta.IssuerReference) bool {
	kind := IssuerRef(ref).Kind
	return kind == cmapi.IssuerKind || kind == cmapi.ClusterIssuerKind
}

// DescribeIssuer is how an issuer is named to a person: Kind.group/name.
func DescribeIssuer(ref cmmeta.IssuerReference) string {
	ref = IssuerRef(ref)
	return fmt.Sprintf("%s.%s/%s", ref.Kind, ref.Group, ref.Name)
}

// RequestName is the name of the CertificateRequest for one revision of a
// Certificate: stable, so that a request can never be made twice.
func RequestName(certificate string, revision int) string {
	return fmt.Sprintf("%s-%d", shorten(certificate), revision)
}

// KeySecretName is the name of the Secret that keeps the private key of an
// issuance under way. It is a function of the Certificate's UID and the
// revision aimed at, so that a daemon restarted between two writes finds it.
func KeySecretName(certificate, uid string, revision int) string {
	return fmt.Sprintf("%s-%08x", shorten(certificate), hash(fmt.Sprintf("%s/%d", uid, revision)))
}

// ChallengeName is the name of the Challenge by which an Order has something
// proved: the same for the same, so that none is ever made twice.
func ChallengeName(order, what string) string {
	return fmt.Sprintf("%s-%d", shorten(order), hash(what))
}

// shorten cuts a name that leaves no room for a suffix, and keeps it unique by a hash.
func shorten(name string) string {
	if len(name) <= maxPrefix {
		return name
	}
	return fmt.Sprintf("%s-%08x", strings.TrimRight(name[:maxPrefix-9], "-."), hash(name))
}

func hash(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s)) // a hash never fails
	return h.Sum32()
}
