package cluster

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// auditPolicy logs each request once, when it is answered (a watch also when it
// begins), without bodies: those may hold private keys.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

const kubeconfigFormat = `apiVersion: v1
kind: Config
current-context: certwright
clusters:
- name: certwright
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: %q
  user:
    token: %s
contexts:
- name: certwright
  context:
    cluster: certwright
    user: %q
`

// writeFiles writes what the components read.
func (c *Cluster) writeFiles() error {
	for _, dir := range []string{c.logs(), c.pki("")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return fmt.Errorf("create the cluster's folders: %w", err)
		}
	}
	tokens, err := c.identity.tokenFile()
	if err != nil {
		return err
	}
	return errors.Join(
		c.writePair("ca", &c.identity.ca.pair), c.writePair("apiserver", c.identity.server),
		c.writePair("front-proxy-ca", &c.identity.frontProxyCA.pair), c.writePair("front-proxy-client", c.identity.proxy),
		writeFile(c.pki("sa.key"), c.identity.serviceAccountKey), writeFile(c.pki("tokens.csv"), tokens),
		writeFile(c.pki("audit.yaml"), []byte(auditPolicy)), c.writeKubeconfig(c.Kubeconfig(), admin),
	)
}

func (c *Cluster) writePair(name string, p *pair) error {
	key, err := p.keyPEM()
	if err != nil {
		return err
	}
	return errors.Join(writeFile(c.pki(name+".crt"), p.pem()), writeFile(c.pki(name+".key"), key))
}

// KubeconfigFor writes a kubeconfig for a user of [Options.Users] and returns
// its path. It fails for any other name.
func (c *Cluster) KubeconfigFor(user string) (string, error) {
	if _, known := c.identity.tokens[user]; !known {
		return "", fmt.Errorf("the cluster knows no user %q: name it in Options.Users", user)
	}
	path := filepath.Join(c.dir, "kubeconfig-"+url.PathEscape(user))
	return path, c.writeKubeconfig(path, user)
}

func (c *Cluster) writeKubeconfig(path, user string) error {
	return writeFile(path, fmt.Appendf(nil, kubeconfigFormat,
		c.URL(), base64.StdEncoding.EncodeToString(c.CA()), user, c.identity.tokens[user], user))
}

func writeFile(path string, content []byte) error {
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return fmt.Errorf("write the cluster's files: %w", err)
	}
	return nil
}
