package migration

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SavedName is the ConfigMap that keeps what the way back needs.
const SavedName = "certwright-migration"

// savedKey is its only key.
const savedKey = "before.json"

// Saved is how it was before anything was changed.
type Saved struct {
	// Replicas are by NAMESPACE/NAME of a Deployment.
	Replicas       map[string]int32 `json:"replicas"`
	Configurations []Configuration  `json:"configurations"`
}

// save is what of the cluster is to be kept.
func save(c Cluster) Saved {
	s := Saved{Replicas: map[string]int32{}, Configurations: c.Configurations}
	for _, w := range c.Workloads {
		if w.Kind != daemonSet && w.Wanted > 0 {
			s.Replicas[w.Namespace+"/"+w.Name] = w.Wanted
		}
	}
	return s
}

// replicas is how many a workload had, and 1 where nobody knows.
func (s *Saved) replicas(w Workload) int32 {
	if s != nil && s.Replicas[w.Namespace+"/"+w.Name] > 0 {
		return s.Replicas[w.Namespace+"/"+w.Name]
	}
	return 1
}

func (s Saved) configMap(namespace string) (*corev1.ConfigMap, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: SavedName, Labels: map[string]string{"app.kubernetes.io/managed-by": "certwright"},
			Annotations: map[string]string{"certwright.dev/about": "what `certwright migrate back` puts back; delete it when cert-manager is not to return"}},
		Data: map[string]string{savedKey: string(text)},
	}, nil
}

func readSaved(m *corev1.ConfigMap) (*Saved, error) {
	var s Saved
	decoder := json.NewDecoder(strings.NewReader(m.Data[savedKey]))
	if err := decoder.Decode(&s); err != nil {
		return nil, fmt.Errorf("ConfigMap %s/%s: key %s cannot be read: %w; restore it from a backup, or delete it and put cert-manager back by its own manifests", m.Namespace, m.Name, savedKey, err)
	}
	return &s, nil
}
