package cluster

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/csv"
	"encoding/pem"
	"fmt"
	"net"
	"strings"
)

const (
	// admin is the user of the kubeconfig that every cluster has.
	admin = "admin"
	// frontProxy is the API server's name towards aggregated API servers.
	frontProxy = "front-proxy-client"
)

// identity is all by which the cluster's parties know each other.
type identity struct {
	ca, frontProxyCA  *signer
	server, proxy     *pair
	serviceAccountKey []byte // PEM
	users             []User
	tokens            map[string]string // by user
}

func newIdentity(o Options) (*identity, error) {
	id := &identity{users: append([]User{{Name: admin, Groups: []string{"system:masters"}}}, o.Users...)}
	var err error
	if id.tokens, err = newTokens(id.users); err != nil {
		return nil, err
	}
	if id.ca, err = newSigner("certwright-test-cluster"); err != nil {
		return nil, err
	}
	if id.frontProxyCA, err = newSigner("certwright-test-front-proxy"); err != nil {
		return nil, err
	}
	if id.server, err = id.ca.server(serverNames, net.ParseIP(o.Address), net.ParseIP("127.0.0.1"), net.ParseIP(serviceIP)); err != nil {
		return nil, err
	}
	if id.proxy, err = id.frontProxyCA.client(frontProxy); err != nil {
		return nil, err
	}
	id.serviceAccountKey, err = newServiceAccountKey()
	return id, err
}

// serverNames are the API server's, as seen from outside and from pods.
var serverNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}

// newServiceAccountKey is RSA, as in most clusters: whatever reads the tokens
// meets the algorithm it will meet there.
func newServiceAccountKey() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("generate the service account key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), nil
}

func newTokens(users []User) (map[string]string, error) {
	tokens := map[string]string{}
	for _, user := range users {
		if _, twice := tokens[user.Name]; twice || user.Name == "" {
			return nil, fmt.Errorf("user %q: each user needs a name of its own, other than %q", user.Name, admin)
		}
		tokens[user.Name] = rand.Text()
	}
	return tokens, nil
}

// tokenFile is in the format of the flag --token-auth-file.
func (id *identity) tokenFile() ([]byte, error) {
	var file bytes.Buffer
	lines := csv.NewWriter(&file)
	for _, user := range id.users {
		uid := user.UID
		if uid == "" {
			uid = user.Name
		}
		if err := lines.Write([]string{id.tokens[user.Name], user.Name, uid, strings.Join(user.Groups, ",")}); err != nil {
			return nil, fmt.Errorf("write the tokens: %w", err)
		}
	}
	lines.Flush()
	return file.Bytes(), lines.Error()
}
