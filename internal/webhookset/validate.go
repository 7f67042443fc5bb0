package webhookset

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Validate returns every fault of one set. Each names the field, the fault and
// the remedy; the set's own name goes in front of it by the caller.
func (s *Set) Validate() []error {
	var f faults
	f.name("name", s.Name, validation.IsDNS1123Label)
	f.name("namespace", s.Namespace, validation.IsDNS1123Label)
	f.secret("caSecret", s.CA)
	f.dataKey("caSecret.previousKey", s.PreviousKey)
	f.secret("serverSecret", s.Server)
	f.when(distinct(s.CA.CertKey, s.CA.KeyKey, s.PreviousKey), "caSecret: the data keys %q, %q and %q must differ", s.CA.CertKey, s.CA.KeyKey, s.PreviousKey)
	f.when(distinct(s.Server.CertKey, s.Server.KeyKey), "serverSecret: certificate and key are both %q; give them two data keys", s.Server.CertKey)
	f.when(s.CA.Name != s.Server.Name, "serverSecret.name: %q is also caSecret.name; give the two Secrets different names", s.Server.Name)
	s.nameFaults(&f)
	s.webhookFaults(&f)
	s.timeFaults(&f)
	s.keyFaults(&f)
	f.when(s.OnBundleDrift == Recreate || s.OnBundleDrift == Restore, "onBundleDrift: %q is neither %s nor %s", s.OnBundleDrift, Recreate, Restore)
	if t := s.Trigger; t != nil {
		f.when(t.Version != "" && t.Kind != "", "trigger: version and kind are needed; write for example group: example.com, version: v1, kind: Shop")
	}
	for _, k := range sortedKeys(s.Labels) {
		f.name("labels: key", k, validation.IsQualifiedName)
		f.name("labels."+k, s.Labels[k], validation.IsValidLabelValue)
		f.when(!strings.HasPrefix(k, domain), "labels: %q is one of certwright's own; choose another prefix", k)
	}
	return f
}

func (s *Set) nameFaults(f *faults) {
	f.when(s.Service != "" || len(s.DNSNames) > 0,
		"service: neither it nor dnsNames is given; name the webhook's Service, or the names that the API server calls it by")
	if s.Service != "" {
		f.name("service", s.Service, validation.IsDNS1035Label)
	}
	for _, n := range s.DNSNames {
		if net.ParseIP(n) == nil {
			f.name("dnsNames", strings.TrimPrefix(n, "*."), validation.IsDNS1123Subdomain)
		}
	}
}

func (s *Set) webhookFaults(f *faults) {
	f.when(len(s.Mutating)+len(s.Validating) > 0 || s.Selector != nil,
		"webhooks: no webhook configuration is chosen; name some under mutating or validating, or give a selector")
	for _, n := range slices.Concat(s.Mutating, s.Validating) {
		f.name("webhooks", n, validation.IsDNS1123Subdomain)
	}
	f.when(s.Selector == nil || !s.Selector.Empty(), "webhooks.selector: it chooses every webhook configuration of the cluster; write for example app=shop")
}

// shortest is the least life that leaves time to rotate in.
const shortest = 30 * time.Second

func (s *Set) timeFaults(f *faults) {
	for _, life := range []struct {
		field string
		d     time.Duration
	}{{"caDuration", s.CADuration}, {"serverDuration", s.ServerDuration}} {
		before := s.RenewBefore.Of(life.d)
		f.when(life.d >= shortest, "%s: %s is too short to store and load a certificate in; write at least %s", life.field, life.d, shortest)
		f.when(before < life.d, "renewBefore: %s is not shorter than %s (%s), so every certificate would be renewed at once; make it shorter", before, life.field, life.d)
	}
	f.when(s.ServerDuration <= s.CADuration, "serverDuration: %s is longer than caDuration (%s); make it at most that", s.ServerDuration, s.CADuration)
	f.when(s.RenewBefore.Of(s.ServerDuration) > 0 && s.RenewBefore.Percent < 100, "renewBefore: it must lie between 0 and the life; write for example 168h or 10%%")
	f.when(s.GraceTime > 0, "graceTime: %s leaves a server no time to load its new certificate; write for example 3m", s.GraceTime)
	f.when(s.PropagationTime > 0, "propagationTime: %s leaves the API servers no time to learn of a bundle; write for example 10s", s.PropagationTime)
}

func (s *Set) keyFaults(f *faults) {
	sizes := map[string][]int{"ECDSA": {256, 384, 521}, "RSA": {2048, 3072, 4096}}
	known, ok := sizes[s.Algorithm]
	f.when(ok, "key.algorithm: %q is neither ECDSA nor RSA", s.Algorithm)
	f.when(!ok || slices.Contains(known, s.KeySize), "key.size: %d is no size for %s; write one of %v", s.KeySize, s.Algorithm, known)
}

// ValidateAll judges sets one by one and against each other, and returns all
// faults, each with the set it is about.
func ValidateAll(sets []Set) []error {
	var all []error
	owners := map[string]string{}
	for i := range sets {
		s := &sets[i]
		faults := s.Validate()
		for _, thing := range s.exclusive() {
			owner, taken := owners[thing]
			if taken {
				faults = append(faults, fmt.Errorf("%s belongs to set %q already; give each set its own", thing, owner))
			}
			owners[thing] = s.Name
		}
		for _, fault := range faults {
			all = append(all, fmt.Errorf("webhookCertificates[%d] (%s): %w", i, s.Name, fault))
		}
	}
	return all
}

// exclusive names what no other set may have.
func (s *Set) exclusive() []string {
	all := []string{
		fmt.Sprintf("name %q", s.Name),
		fmt.Sprintf("Secret %s/%s", s.Namespace, s.CA.Name),
	}
	if s.Server.Name != s.CA.Name {
		all = append(all, fmt.Sprintf("Secret %s/%s", s.Namespace, s.Server.Name))
	}
	for _, n := range s.Mutating {
		all = append(all, MutatingKind+" "+n)
	}
	for _, n := range s.Validating {
		all = append(all, ValidatingKind+" "+n)
	}
	return all
}

type faults []error

// when adds a fault unless all is right.
func (f *faults) when(right bool, format string, args ...any) {
	if !right {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

func (f *faults) name(field, name string, rule func(string) []string) {
	problems := rule(name)
	f.when(len(problems) == 0, "%s: %q is not a name Kubernetes allows: %s", field, name, strings.Join(problems, "; "))
}

func (f *faults) secret(field string, s Secret) {
	f.name(field+".name", s.Name, validation.IsDNS1123Subdomain)
	f.dataKey(field+".certificateKey", s.CertKey)
	f.dataKey(field+".keyKey", s.KeyKey)
}

func (f *faults) dataKey(field, key string) { f.name(field, key, validation.IsConfigMapKey) }

func distinct(words ...string) bool {
	seen := map[string]bool{}
	for _, w := range words {
		seen[w] = true
	}
	return len(seen) == len(words)
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
