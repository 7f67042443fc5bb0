package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Here both sides of a comparison get one form: defaults applied, and names
// written in the one way that means the same.

// durationOf applies the default of 90 days.
func durationOf(d *metav1.Duration) time.Duration {
	if d == nil {
		return cmapi.DefaultCertificateDuration
	}
	return d.Duration
}

// sameIssuer compares references with their defaults applied: kind Issuer and
// group cert-manager.io.
func sameIssuer(a, b cmmeta.IssuerReference) bool {
	return defaultIssuer(a) == defaultIssuer(b)
}

func defaultIssuer(r cmmeta.IssuerReference) cmmeta.IssuerReference {
	if r.Kind == "" {
		r.Kind = cmapi.IssuerKind
	}
	if r.Group == "" {
		r.Group = certmanager.GroupName
	}
	return r
}

func ipTexts(list []net.IP) []string {
	out := make([]string, len(list))
	for i, ip := range list {
		out[i] = ip.String()
	}
	return out
}

// normalIPs gives each address its shortest form; what is no address stays as
// it is and so equals nothing.
func normalIPs(list []string) []string {
	out := slices.Clone(list)
	for i, s := range out {
		if ip := net.ParseIP(s); ip != nil {
			out[i] = ip.String()
		}
	}
	return out
}

func uriTexts(list []*url.URL) []string {
	out := make([]string, len(list))
	for i, u := range list {
		out[i] = u.String()
	}
	return out
}

// normalURIs sends each URI through net/url, as other programs do before they
// put it into a request.
func normalURIs(list []string) []string {
	out := slices.Clone(list)
	for i, s := range out {
		if u, err := url.Parse(s); err == nil {
			out[i] = u.String()
		}
	}
	return out
}

func normalOtherNames(list []cmapi.OtherName) []cmapi.OtherName {
	out := slices.Clone(list)
	for i, o := range out {
		if id, err := x509.ParseOID(o.OID); err == nil {
			out[i].OID = id.String()
		}
	}
	return out
}

// normalDN sends a name through its encoding, as the other side has been.
func normalDN(names pkix.RDNSequence) pkix.RDNSequence {
	der, err := asn1.Marshal(names)
	var out pkix.RDNSequence
	if err != nil || unmarshalAll(der, &out) != nil {
		return names
	}
	return out
}
