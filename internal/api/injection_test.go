package api

import "testing"

func TestParseInjection(t *testing.T) {
	t.Parallel()
	const (
		secret      = "cert-manager.io/inject-ca-from-secret"
		certificate = "cert-manager.io/inject-ca-from"
		apiserver   = "cert-manager.io/inject-apiserver-ca"
	)
	for name, row := range map[string]struct {
		annotations map[string]string
		want        Injection
	}{
		"none":                 {nil, Injection{}},
		"certificate":          {map[string]string{certificate: "shop/web"}, Injection{InjectFromCertificate, certificate, "shop/web", "shop", "web"}},
		"secret":               {map[string]string{secret: "shop/web.tls"}, Injection{InjectFromSecret, secret, "shop/web.tls", "shop", "web.tls"}},
		"secret first":         {map[string]string{secret: "a/b", certificate: "c/d", apiserver: "true"}, Injection{InjectFromSecret, secret, "a/b", "a", "b"}},
		"then certificate":     {map[string]string{certificate: "c/d", apiserver: "true"}, Injection{InjectFromCertificate, certificate, "c/d", "c", "d"}},
		"API server":           {map[string]string{apiserver: "true"}, Injection{From: InjectFromAPIServer, Annotation: apiserver, Value: "true"}},
		"API server, not":      {map[string]string{apiserver: "false"}, Injection{}},
		"empty":                {map[string]string{certificate: "", apiserver: "true"}, Injection{From: InjectFromAPIServer, Annotation: apiserver, Value: "true"}},
		"malformed":            {map[string]string{certificate: "web"}, Injection{From: InjectFromCertificate, Annotation: certificate, Value: "web"}},
		"malformed, yet first": {map[string]string{secret: "a/b/c", certificate: "c/d"}, Injection{From: InjectFromSecret, Annotation: secret, Value: "a/b/c"}},
		"no namespace":         {map[string]string{certificate: "/web"}, Injection{From: InjectFromCertificate, Annotation: certificate, Value: "/web"}},
		"upper case":           {map[string]string{certificate: "Shop/web"}, Injection{From: InjectFromCertificate, Annotation: certificate, Value: "Shop/web"}},
	} {
		if got := ParseInjection(row.annotations); got != row.want {
			t.Errorf("%s: got %+v, want %+v", name, got, row.want)
		}
	}
}
