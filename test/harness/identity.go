package harness

import (
	"context"
	"fmt"
	"os"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/ptr"
)

// Account is a service account: who the daemon is to the API server.
type Account struct {
	Namespace, Name string
}

// Username is the account's name in the API server's audit log.
func (a Account) Username() string {
	return "system:serviceaccount:" + a.Namespace + ":" + a.Name
}

// accountOf finds the service account that the shipped RBAC is written for.
func accountOf(applied []*unstructured.Unstructured) (Account, error) {
	for _, object := range applied {
		if object.GetKind() == "ServiceAccount" {
			return Account{Namespace: object.GetNamespace(), Name: object.GetName()}, nil
		}
	}
	return Account{}, fmt.Errorf("deploy/rbac has no ServiceAccount for the daemon to run as")
}

// CreateAccount makes a service account that may do nothing.
func (c *Clients) CreateAccount(ctx context.Context, a Account) error {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: a.Namespace, Name: a.Name}}
	_, err := c.Kube.CoreV1().ServiceAccounts(a.Namespace).Create(ctx, account, metav1.CreateOptions{})
	return err
}

// EnsureNamespace makes a namespace unless it is there.
func (c *Clients) EnsureNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := c.Kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// tokenSeconds outlasts every test and any demo that is kept.
const tokenSeconds = 30 * 24 * 3600

// WriteKubeconfig writes a kubeconfig with which the bearer is that account,
// as a daemon outside the cluster would get it.
func (c *Clients) WriteKubeconfig(ctx context.Context, a Account, path string) error {
	token, err := c.Kube.CoreV1().ServiceAccounts(a.Namespace).CreateToken(ctx, a.Name, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](tokenSeconds)},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("get a token for %s: %w", a.Username(), err)
	}
	ca, err := c.certificateAuthority()
	if err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["local"] = &clientcmdapi.Cluster{Server: c.Config.Host, CertificateAuthorityData: ca}
	config.AuthInfos["certwright"] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts["local"] = &clientcmdapi.Context{Cluster: "local", AuthInfo: "certwright", Namespace: a.Namespace}
	config.CurrentContext = "local"
	return clientcmd.WriteToFile(*config, path)
}

func (c *Clients) certificateAuthority() ([]byte, error) {
	if len(c.Config.CAData) > 0 || c.Config.CAFile == "" {
		return c.Config.CAData, nil
	}
	return os.ReadFile(c.Config.CAFile)
}
