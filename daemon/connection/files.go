package connection

import (
	"crypto/sha256"
	"maps"
	"os"

	"k8s.io/client-go/rest"
)

// digest is what files held, by path; of one that cannot be read, nothing.
type digest map[string][sha256.Size]byte

func digestOf(paths []string) digest {
	d := digest{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err == nil {
			d[path] = sha256.Sum256(content)
		}
	}
	return d
}

func (d digest) equal(other digest) bool { return maps.Equal(d, other) }

// watched are the kubeconfigs and what they name by path.
func watched(kubeconfigs []string, rc *rest.Config) []string {
	paths := append([]string{}, kubeconfigs...)
	for _, path := range []string{rc.BearerTokenFile, rc.CertFile, rc.KeyFile, rc.CAFile} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}
