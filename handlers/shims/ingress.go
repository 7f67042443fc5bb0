package shims

import (
	"fmt"

	"github.com/certwright/certwright/queue"

	networkingv1 "k8s.io/api/networking/v1"
)

// FromIngress reduces an Ingress. Entries that name the same Secret are one.
func FromIngress(ing *networkingv1.Ingress) *Parent {
	p := &Parent{Kind: queue.Ingress, Meta: &ing.ObjectMeta, Annotations: ing.Annotations}
	for i, entry := range ing.Spec.TLS {
		where := fmt.Sprintf("spec.tls[%d]", i)
		p.name(entry.SecretName)
		switch {
		case entry.SecretName == "":
			p.Unclear = true
			p.fault(where+".secretName", "this entry is passed over: name the Secret that the certificate goes into")
		case len(entry.Hosts) == 0:
			p.fault(where+".hosts", "this entry is passed over: list the names that the certificate is for")
		default:
			p.Entries = append(p.Entries, Entry{Secret: entry.SecretName, Hosts: entry.Hosts, Where: where + ".hosts"})
		}
	}
	return p
}
