package config

import (
	"slices"
	"strings"
)

// Throttle returns QPS and burst as client-go's rest.Config wants them. No
// limit is a negative QPS there, for its zero means "five a second".
func (c Config) Throttle() (qps float32, burst int) {
	if c.KubeAPIQPS <= 0 {
		return -1, 0
	}
	return c.KubeAPIQPS, max(c.KubeAPIBurst, 1)
}

// Runs reports whether the named controller is switched on. A name that is
// switched off stays off wherever it stands in the list, as in cert-manager;
// as there, what is cluster-scoped is not served by a daemon of some namespaces.
// Webhook certificates are kept only where a set of them is configured, and what
// a flag of its own switches takes that flag as well.
func (c Config) Runs(name Controller) bool {
	if name == WebhookCertificates && len(c.WebhookSets) == 0 {
		return false
	}
	if !c.shimRuns(name) {
		return false
	}
	clusterScoped := name == ClusterIssuers || name == SigningRequests || name == CABundles
	if slices.Contains(c.Controllers, "-"+string(name)) || clusterScoped && len(c.Namespaces) > 0 {
		return false
	}
	return slices.ContainsFunc(c.Controllers, func(entry string) bool {
		return entry == "*" || wholeOf(entry) == name
	})
}

// Approves reports whether requests for the named signer are approved by this
// daemon. A signer is named as in RBAC: `<plural>.<group>/<namespace>.<name>`
// for an issuer in a namespace, `<plural>.<group>/<name>` for one without. The
// empty name, which is nobody's, is approved only where everything is.
func (c Config) Approves(signer string) bool {
	return slices.ContainsFunc(c.ApproveSignerNames, func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, "*")
		return pattern == signer || open && strings.HasPrefix(signer, prefix)
	})
}

// CopiesAnnotation reports whether an annotation of a Certificate is copied to
// its CertificateRequests. A prefix with a minus wins over one without.
func (c Config) CopiesAnnotation(key string) bool {
	copied := false
	for _, prefix := range c.CopiedAnnotationPrefixes {
		if name, off := strings.CutPrefix(prefix, "-"); off && strings.HasPrefix(key, name) {
			return false
		}
		copied = copied || prefix == "*" || strings.HasPrefix(key, prefix)
	}
	return copied
}
