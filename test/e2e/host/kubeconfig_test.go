package host

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// kubeconfig writes the daemon's kubeconfig with an edit, all at once as an
// agent on a host would.
func kubeconfig(s *suite.Space, path string, edit func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo)) {
	s.Helper()
	config, err := clientcmd.LoadFromFile(world.Kubeconfig)
	s.Must(err)
	context := config.Contexts[config.CurrentContext]
	edit(config.Clusters[context.Cluster], config.AuthInfos[context.AuthInfo])
	s.Must(clientcmd.WriteToFile(*config, path+".new"))
	s.Must(os.Rename(path+".new", path))
}

// clientCertificate is signed by the cluster's CA for the daemon's account.
func clientCertificate(s *suite.Space, life time.Duration) (cert, key []byte) {
	s.Helper()
	pki := filepath.Join(filepath.Dir(world.Cluster.Kubeconfig()), "pki")
	ca, err := x509.ParseCertificate(block(s, filepath.Join(pki, "ca.crt")))
	s.Must(err)
	caKey, err := x509.ParseECPrivateKey(block(s, filepath.Join(pki, "ca.key")))
	s.Must(err)
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.Must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: world.Account.Username(), Organization: []string{"system:serviceaccounts"}},
		NotBefore:    time.Now().Add(-time.Minute), NotAfter: time.Now().Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, own.Public(), caKey)
	s.Must(err)
	keyDER, err := x509.MarshalECPrivateKey(own)
	s.Must(err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
}

func block(s *suite.Space, path string) []byte {
	s.Helper()
	content, err := os.ReadFile(path)
	s.Must(err)
	found, _ := pem.Decode(content)
	if found == nil {
		s.Fatalf("%s holds no PEM", path)
	}
	return found.Bytes
}

// token is the daemon account's, and holds until the Secret of that name goes.
func token(s *suite.Space, secret string) string {
	s.Helper()
	made, err := s.Kube.CoreV1().Secrets(world.Account.Namespace).Create(s.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secret}}, metav1.CreateOptions{})
	s.Must(err)
	got, err := s.Kube.CoreV1().ServiceAccounts(world.Account.Namespace).CreateToken(s.Context(), world.Account.Name, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: &authenticationv1.BoundObjectReference{Kind: "Secret", APIVersion: "v1", Name: secret, UID: made.UID}},
	}, metav1.CreateOptions{})
	s.Must(err)
	return got.Status.Token
}

func withdraw(s *suite.Space, secret string) {
	s.Helper()
	s.Must(s.Kube.CoreV1().Secrets(world.Account.Namespace).Delete(s.Context(), secret, metav1.DeleteOptions{}))
}

func start(t *testing.T, path string, args ...string) *harness.Daemon {
	t.Helper()
	d := world.PrepareDaemonWith(t, harness.DaemonOptions{Kubeconfig: path, Args: append(args, alone)})
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	return d
}
