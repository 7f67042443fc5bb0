package acme

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/certwright/certwright/handlers/issuers"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"golang.org/x/net/idna"
)

// Reasons of the API contract, section 1.3.
const (
	reasonInvalid = "InvalidOrder"
	reasonFailed  = "OrderFailed"
	reasonPending = "OrderPending"
)

// orderFor makes the Order of a request. It is a function of the request alone,
// so that no crash makes a second one. Errors: a Refusal when no ACME server
// could issue what is asked for.
func orderFor(r issuers.Request) (*cmacme.Order, error) {
	spec, err := orderSpec(r)
	if err != nil {
		return nil, err
	}
	name, err := orderName(r.Name, spec)
	if err != nil {
		return nil, err
	}
	return &cmacme.Order{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.Namespace, Name: name, Labels: r.Labels, Annotations: carried(r.Annotations),
			OwnerReferences: []metav1.OwnerReference{r.Owner},
		},
		Spec: spec,
	}, nil
}

// carried are the annotations that an Order takes over from its request, such
// as the overrides of solvers; not what kubectl notes about the request itself.
func carried(annotations map[string]string) map[string]string {
	all := map[string]string{}
	for k, v := range annotations {
		if !strings.HasPrefix(k, "kubectl.kubernetes.io/") {
			all[k] = v
		}
	}
	return all
}

func orderSpec(r issuers.Request) (cmacme.OrderSpec, error) {
	t, issuer := r.Template, r.Issuer.Spec.ACME
	spec := cmacme.OrderSpec{Request: r.CSR, IssuerRef: r.IssuerRef, Profile: issuer.Profile, Replaces: r.Replaces}
	if issuer.EnableDurationFeature {
		spec.Duration = r.Duration
	}
	switch {
	case t.IsCA:
		return spec, issuers.Refuse(reasonInvalid, "spec.isCA: an ACME server issues no CA certificates: leave isCA out, or use an issuer of another type")
	case len(t.EmailAddresses) > 0:
		return spec, issuers.Refuse(reasonInvalid, "spec.request: an ACME server issues no certificates for e-mail addresses (%s): leave emailAddresses out, or use an issuer of another type", some(t.EmailAddresses))
	case len(t.URIs) > 0:
		return spec, issuers.Refuse(reasonInvalid, "spec.request: an ACME server issues no certificates for URIs (%.100s): leave uris out, or use an issuer of another type", t.URIs[0])
	}
	for _, name := range t.DNSNames {
		ascii, err := dnsName(name)
		if err != nil {
			return spec, err
		}
		spec.DNSNames = append(spec.DNSNames, ascii)
	}
	for _, ip := range t.IPAddresses {
		spec.IPAddresses = append(spec.IPAddresses, ip.String()) // RFC 8738, section 3
	}
	spec.DNSNames, spec.IPAddresses = once(spec.DNSNames), once(spec.IPAddresses)
	if len(spec.DNSNames)+len(spec.IPAddresses) == 0 {
		return spec, issuers.Refuse(reasonInvalid, "spec.request: it has neither DNS names nor IP addresses, without which an ACME server issues nothing: set dnsNames or ipAddresses")
	}
	return spec, commonName(&spec, t.Subject.CommonName)
}

// commonName takes over the subject's common name, which must be one of the
// names that are proved.
func commonName(spec *cmacme.OrderSpec, name string) error {
	if name == "" {
		return nil
	}
	ascii, err := dnsName(name)
	if err != nil || !slices.Contains(spec.DNSNames, ascii) && !slices.Contains(spec.IPAddresses, name) {
		return issuers.Refuse(reasonInvalid, "spec.request: the common name %.100q is not among the DNS names and IP addresses, and an ACME server proves only those: add it to dnsNames or ipAddresses, or leave commonName out", name)
	}
	spec.CommonName = ascii
	return nil
}

// names converts to the form in which names are looked up (RFC 5891).
var names = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))

// dnsName is a name as an ACME server wants it: in lower case, and in letters
// that DNS has (RFC 8555, section 7.1.4).
func dnsName(name string) (string, error) {
	rest, wildcard := strings.CutPrefix(name, "*.")
	ascii, err := names.ToASCII(rest)
	if err != nil || ascii == "" || strings.HasSuffix(ascii, ".") || strings.Contains(ascii, "..") || strings.Contains(ascii, "*") {
		return "", issuers.Refuse(reasonInvalid, "spec.request: %.100q is no DNS name that an ACME server can prove: correct it in dnsNames", name)
	}
	if ascii = strings.ToLower(ascii); wildcard {
		ascii = "*." + ascii
	}
	return ascii, nil
}

// once keeps the first of equal names.
func once(names []string) (kept []string) {
	for _, n := range names {
		if !slices.Contains(kept, n) {
			kept = append(kept, n)
		}
	}
	return kept
}

// some shows a few of many.
func some(names []string) string {
	const most = 3
	if len(names) > most {
		names = append(slices.Clone(names[:most]), "...")
	}
	return fmt.Sprintf("%.200s", strings.Join(names, ", "))
}

// mostName leaves room for a number in what else is named after an Order.
const mostName = 52

// orderName is the request's name, cut to 52 characters, and a hash of what is
// ordered (contract 1.4). The request's own text is not in the hash; its whole
// name is, where it was cut, so that two requests never share an Order.
func orderName(request string, spec cmacme.OrderSpec) (string, error) {
	spec.Request = nil
	text, err := json.Marshal(spec)
	if err != nil {
		return "", fmt.Errorf("name of the Order: %w", err)
	}
	h, prefix := fnv.New32(), request
	if len(prefix) > mostName {
		prefix = strings.TrimRight(prefix[:mostName], "-.")
		text = append(text, request...)
	}
	_, _ = h.Write(text) // a hash never fails
	return fmt.Sprintf("%s-%d", prefix, h.Sum32()), nil
}

// sameRequest reports whether an Order is for a request's very text.
func sameRequest(o *cmacme.Order, r issuers.Request) bool {
	return bytes.Equal(bytes.TrimSpace(o.Spec.Request), bytes.TrimSpace(r.CSR))
}
