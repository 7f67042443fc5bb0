package restarts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// markAnnotation is the mark of a workload: JSON, Secret to digest.
	markAnnotation = "certwright.dev/seen-certificates"
	// templateAnnotation of the pod template changes with the certificates.
	templateAnnotation = "certwright.dev/certificates"
)

// Workload is a Deployment, StatefulSet or DaemonSet, reduced to what counts.
type Workload struct {
	Kind string // "Deployment"
	Meta *metav1.ObjectMeta
	// Secrets are those that its pods use.
	Secrets []string
	// Seen are the digests of the certificates that its pods have, by Secret.
	Seen map[string]string
	// Rolling is true while its pods are being replaced, or not all are there.
	Rolling bool
	// Held workloads do not replace their pods by themselves.
	Held bool
}

// FromDeployment reduces a Deployment.
func FromDeployment(d *appsv1.Deployment) Workload {
	w := from("Deployment", &d.ObjectMeta, &d.Spec.Template)
	want, s := replicas(d.Spec.Replicas), d.Status
	w.Held = d.Spec.Paused
	w.Rolling = s.ObservedGeneration < d.Generation || s.UpdatedReplicas < want || s.Replicas > s.UpdatedReplicas || s.AvailableReplicas < want
	return w
}

// FromStatefulSet reduces a StatefulSet.
func FromStatefulSet(d *appsv1.StatefulSet) Workload {
	w := from("StatefulSet", &d.ObjectMeta, &d.Spec.Template)
	want, s := replicas(d.Spec.Replicas), d.Status
	updated := want
	if u := d.Spec.UpdateStrategy.RollingUpdate; u != nil && u.Partition != nil {
		updated = max(0, want-*u.Partition) // those below it stay as they are
	}
	w.Held = d.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType
	w.Rolling = s.ObservedGeneration < d.Generation || s.UpdatedReplicas < updated || s.AvailableReplicas < want
	return w
}

// FromDaemonSet reduces a DaemonSet.
func FromDaemonSet(d *appsv1.DaemonSet) Workload {
	w := from("DaemonSet", &d.ObjectMeta, &d.Spec.Template)
	s := d.Status
	w.Held = d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
	w.Rolling = s.ObservedGeneration < d.Generation || s.UpdatedNumberScheduled < s.DesiredNumberScheduled || s.NumberAvailable < s.DesiredNumberScheduled
	return w
}

func replicas(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

func from(kind string, m *metav1.ObjectMeta, t *corev1.PodTemplateSpec) Workload {
	w := Workload{Kind: kind, Meta: m, Secrets: api.PodSecrets(&t.Spec)}
	if json.Unmarshal([]byte(m.Annotations[markAnnotation]), &w.Seen) != nil {
		w.Seen = nil // somebody else's text: begin anew
	}
	return w
}

// combined is a short text for all certificates of a workload.
func combined(mark []byte) string {
	sum := sha256.Sum256(mark)
	return hex.EncodeToString(sum[:8])
}

// digest tells one certificate of a Secret from the next; empty when there is
// none of a Certificate in it.
func digest(s *corev1.Secret) string {
	if s == nil || s.Annotations[cmapi.CertificateNameKey] == "" || len(s.Data[corev1.TLSCertKey]) == 0 {
		return ""
	}
	sum := sha256.Sum256(s.Data[corev1.TLSCertKey])
	return hex.EncodeToString(sum[:8])
}

// outdated are the Secrets whose certificate is another than the pods have.
func (w Workload) outdated(have map[string]string) []string {
	return slices.DeleteFunc(slices.Clone(w.Secrets), func(s string) bool {
		return have[s] == "" || w.Seen[s] == "" || w.Seen[s] == have[s]
	})
}

// unmarked reports a Secret with a certificate that the mark knows nothing of.
func (w Workload) unmarked(have map[string]string) bool {
	return slices.ContainsFunc(w.Secrets, func(s string) bool { return have[s] != "" && w.Seen[s] == "" })
}

// mark is what the pods have after a restart, or without one.
func (w Workload) mark(have map[string]string, restarted bool) map[string]string {
	seen := map[string]string{}
	for _, s := range w.Secrets {
		switch {
		case have[s] != "" && (restarted || w.Seen[s] == ""):
			seen[s] = have[s]
		case w.Seen[s] != "":
			seen[s] = w.Seen[s]
		}
	}
	return seen
}
