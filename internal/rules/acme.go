package rules

import (
	"slices"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxPreferredChain is the longest common name there is (RFC 5280 appendix A.1).
const maxPreferredChain = 64

func acme(spec *cmacme.ACMEIssuer, path *field.Path) field.ErrorList {
	all := slices.Concat(
		filled(path.Child("server"), spec.Server, "give the URL of the ACME server's directory"),
		filled(path.Child("privateKeySecretRef", "name"), spec.PrivateKey.Name, "name the Secret that keeps the account's key"),
		shorterThan(path.Child("preferredChain"), spec.PreferredChain, maxPreferredChain),
		apart(path.Child("caBundle"), len(spec.CABundle) > 0 && spec.SkipTLSVerify, "skipTLSVerify"),
		certificates(path.Child("caBundle"), spec.CABundle),
	)
	if eab := spec.ExternalAccountBinding; eab != nil {
		at := path.Child("externalAccountBinding")
		all = slices.Concat(all,
			filled(at.Child("keyID"), eab.KeyID, "give the key id that the CA has told you"),
			secretKey(at.Child("keySecretRef"), &eab.Key))
	}
	for i := range spec.Solvers {
		all = append(all, solver(&spec.Solvers[i], path.Child("solvers").Index(i))...)
	}
	return all
}

func solver(s *cmacme.ACMEChallengeSolver, path *field.Path) field.ErrorList {
	all := exactlyOne(path, choice{"http01", s.HTTP01 != nil}, choice{"dns01", s.DNS01 != nil})
	if wait := s.WaitInsteadOfSelfCheck; wait != nil && wait.Duration < 0 {
		all = append(all, field.Invalid(path.Child("waitInsteadOfSelfCheck"), wait.Duration.String(), "it is negative: use a duration from 0 upwards, or leave it out"))
	}
	if s.HTTP01 != nil {
		all = append(all, http01(s.HTTP01, path.Child("http01"))...)
	}
	if s.DNS01 != nil {
		all = append(all, dns01(s.DNS01, path.Child("dns01"))...)
	}
	return all
}

func http01(h *cmacme.ACMEChallengeSolverHTTP01, path *field.Path) field.ErrorList {
	all := exactlyOne(path, choice{"ingress", h.Ingress != nil}, choice{"gatewayHTTPRoute", h.GatewayHTTPRoute != nil})
	if h.Ingress != nil {
		all = append(all, ingress(h.Ingress, path.Child("ingress"))...)
	}
	if h.GatewayHTTPRoute != nil {
		all = append(all, serviceType(path.Child("gatewayHTTPRoute", "serviceType"), h.GatewayHTTPRoute.ServiceType)...)
	}
	return all
}

// ingress lets class be any text, which it has always been, but wants in
// ingressClassName the name of an object.
func ingress(i *cmacme.ACMEChallengeSolverHTTP01Ingress, path *field.Path) field.ErrorList {
	all := serviceType(path.Child("serviceType"), i.ServiceType)
	named := 0
	for _, set := range []bool{i.IngressClassName != nil, i.Class != nil, i.Name != ""} {
		if set {
			named++
		}
	}
	if named > 1 {
		all = append(all, field.Forbidden(path, "ingressClassName, class and name exclude each other: keep one"))
	}
	if i.IngressClassName != nil {
		all = append(all, subdomain(path.Child("ingressClassName"), *i.IngressClassName)...)
	}
	return all
}

func serviceType(path *field.Path, t corev1.ServiceType) field.ErrorList {
	return oneOf(path, t, corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort)
}
