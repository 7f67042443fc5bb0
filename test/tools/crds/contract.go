package main

import (
	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// about is what `kubectl explain KIND` begins with.
var about = map[string]string{
	"Issuer":             "A source of certificates for its own namespace. Certificates may use it once its Ready condition is True.",
	"ClusterIssuer":      "A source of certificates for every namespace. Certificates may use it once its Ready condition is True.",
	"Certificate":        "A key and certificate to be kept valid in the Secret spec.secretName, signed by the issuer spec.issuerRef.",
	"CertificateRequest": "One request for one signature. It is approved or denied, then signed or failed, and never tried again.",
	"Order":              "One ACME order, made for an approved CertificateRequest whose issuer is an ACME server.",
	"Challenge":          "One proof, asked for by an ACME server, that a DNS name is ours.",
}

// columns of `kubectl get` that the contract has and the published markers do not
// have yet. Expiration is a string because a column of type date prints how long
// ago it was, and has no words for the future.
var columns = map[string][]apiext.CustomResourceColumnDefinition{
	"Certificate": {{Name: "Expiration", Type: "string", JSONPath: ".status.notAfter", Priority: 1}},
}

type limit struct {
	kind, path string
	limit      func(*apiext.JSONSchemaProps)
}

// limits refuse only what the reference implementation's webhook refuses too.
//
// Immutability is asked for of required strings only. In anything optional, a
// manifest that spells out the zero value (isCA: false, duration: 2160h) comes
// back from a typed client in another spelling of the same spec, which must pass.
var limits = []limit{
	{"Certificate", "spec.secretName", length(1, 253)},
	{"Certificate", "spec.commonName", length(0, 64)}, // ub-common-name, RFC 5280 appendix A.1
	{"Certificate", "spec.issuerRef.name", length(1, 0)},
	{"Certificate", "spec.revisionHistoryLimit", atLeastOne},

	{"CertificateRequest", "spec.request", length(1, 0)},
	{"CertificateRequest", "spec.request", immutable},
	{"CertificateRequest", "spec.issuerRef.name", length(1, 0)},
	{"CertificateRequest", "spec.issuerRef.name", immutable},

	{"Order", "spec.request", immutable},
	{"Order", "spec.issuerRef.name", immutable},

	{"Challenge", "spec.url", immutable},
	{"Challenge", "spec.authorizationURL", immutable},
	{"Challenge", "spec.dnsName", immutable},
	{"Challenge", "spec.type", immutable},
	{"Challenge", "spec.token", immutable},
	{"Challenge", "spec.key", immutable},
	{"Challenge", "spec.issuerRef.name", immutable},
}

// length limits a string; a bound of 0 is none.
func length(least, most int64) func(*apiext.JSONSchemaProps) {
	return func(p *apiext.JSONSchemaProps) {
		if least > 0 {
			p.MinLength = &least
		}
		if most > 0 {
			p.MaxLength = &most
		}
	}
}

func atLeastOne(p *apiext.JSONSchemaProps) {
	one := 1.0
	p.Minimum = &one
}

func immutable(p *apiext.JSONSchemaProps) {
	p.XValidations = append(p.XValidations, apiext.ValidationRule{
		Rule:    "self == oldSelf",
		Message: "cannot be changed; make a new object",
	})
}
