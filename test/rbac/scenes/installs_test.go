package scenes

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestWholeCluster plays all scenes with the roles of deploy/rbac.
func TestWholeCluster(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.yaml")
	err := os.WriteFile(config, []byte("apiVersion: certwright.dev/v1alpha1\nkind: Configuration\n"+
		"webhookCertificates:\n- {preset: btp-manager, graceTime: 2s, propagationTime: 1s}\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	start(t, "", "--config="+config, "--enable-restart-on-renewal")
	scenes := map[string]func(place){"signing requests": signingRequests, "webhook set": webhooks, "restarts": restarts}
	for name, scene := range everywhere {
		scenes[name] = scene
	}
	play(t, scenes, func(t *testing.T) *suite.Space { return world.Space(t) })
	refused(t, world.Account)
}

// TestShards: replicas that share the work, and what one had when it is gone.
func TestShards(t *testing.T) {
	s := world.Space(t)
	var replicas []*harness.Daemon
	for range 2 {
		replicas = append(replicas, world.StartDaemon(t, "--shards=3", "--acme-http01-solver-listen-address=0",
			"--leader-election-lease-duration=4s", "--leader-election-renew-deadline=3s", "--leader-election-retry-period=1s"))
	}
	s.CA("ca")
	for _, name := range []string{"a", "b", "c", "d"} {
		s.Issue(name, suite.IssuerRef("ca"))
	}
	ctx, cancel := s.Within()
	defer cancel()
	s.Must(replicas[0].Stop(ctx))
	for _, name := range []string{"e", "f", "g"} {
		s.Issue(name, suite.IssuerRef("ca"))
	}
	refused(t, world.Account)
}

// signingRequests: Kubernetes' own, for issuers of each kind, and a Certificate by a
// ClusterIssuer.
func signingRequests(p place) {
	p.CA(p.prefix + "-ca")
	p.Must(p.CreateSecret(parts.TSIG(p.Namespace, p.Parts.DNS.Key)))
	p.ACME(p.prefix+"-acme", p.Parts.DNS01())
	p.CreateIssuer(p.prefix+"-venafi", p.venafi())
	p.IssuerReady(p.prefix + "-venafi")
	ca, err := harness.NewRoot("of the cluster")
	p.Must(err)
	secret, err := ca.Secret(parts.ClusterNamespace, p.Namespace)
	p.Must(err)
	p.PutSecret(secret)
	cluster := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: p.Namespace},
		Spec: cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: p.Namespace}}}}
	_, err = p.CertManager.CertmanagerV1().ClusterIssuers().Create(p.Context(), cluster, metav1.CreateOptions{})
	p.Must(err)
	for _, name := range []string{"ca", "acme", "venafi"} {
		p.sign(p.Namespace+"-"+name, "issuers.cert-manager.io/"+p.Namespace+"."+p.prefix+"-"+name)
	}
	p.sign(p.Namespace+"-cluster", "clusterissuers.cert-manager.io/"+p.Namespace)
	p.Issue(p.prefix, suite.ClusterRef(p.Namespace))
}

// sign makes a CertificateSigningRequest, approves it and waits for its certificate.
func (p place) sign(name, signer string) {
	p.Helper()
	host := p.DNSName("csr")
	if strings.HasSuffix(signer, "venafi") {
		host = "pending.example.com"
	}
	template := &x509.CertificateRequest{DNSNames: []string{host}}
	template.Subject.CommonName = host
	csrs := p.Kube.CertificatesV1().CertificateSigningRequests()
	csr, err := csrs.Create(p.Context(), &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request: p.CSR(template, p.NewKey()), SignerName: signer,
			Usages: []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth},
		},
	}, metav1.CreateOptions{})
	p.Must(err)
	csr.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "Test", Message: "looked at"}}
	_, err = csrs.UpdateApproval(p.Context(), name, csr, metav1.UpdateOptions{})
	p.Must(err)
	p.until(name+" is signed", func() (bool, error) {
		csr, err := csrs.Get(p.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		for _, c := range csr.Status.Conditions {
			if c.Type == certificatesv1.CertificateFailed {
				p.Fatalf("%s has failed: %s", name, c.Message)
			}
		}
		return len(csr.Status.Certificate) > 0, nil
	})
}

// webhooks: the set comes up, and its server's certificate is made anew, which is
// looked for at the pods behind its Service.
func webhooks(p place) {
	p.Must(apply(p.Context(), p.Clients, webhookSet, ""))
	p.until("the bundle is there", func() (bool, error) {
		hook, err := p.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(p.Context(), "sap-btp-operator-validating-webhook-configuration", metav1.GetOptions{})
		return err == nil && len(hook.Webhooks[0].ClientConfig.CABundle) > 0, err
	})
	secrets := p.Kube.CoreV1().Secrets("kyma-system")
	var before *corev1.Secret
	p.until("the server's certificate is there", func() (bool, error) {
		var err error
		before, err = secrets.Get(p.Context(), "webhook-server-cert", metav1.GetOptions{})
		return err == nil, nil
	})
	p.Must(secrets.Delete(p.Context(), "ca-server-cert", metav1.DeleteOptions{}))
	p.until("it is signed by a new CA", func() (bool, error) {
		now, err := secrets.Get(p.Context(), "webhook-server-cert", metav1.GetOptions{})
		return err == nil && string(now.Data["tls.crt"]) != string(before.Data["tls.crt"]), err
	})
}

// restarts of each kind of workload.
func restarts(p place) {
	p.CA(p.prefix)
	manifests := strings.NewReplacer("NAMESPACE", p.Namespace, "NAME", p.prefix).Replace(workloads)
	p.Must(apply(p.Context(), p.Clients, manifests, ""))
	p.Issue(p.prefix, suite.IssuerRef(p.prefix))
	kinds := []string{"Deployment", "StatefulSet", "DaemonSet"}
	for _, kind := range kinds {
		p.until(kind+" is marked", func() (bool, error) {
			o, err := p.get(kind, p.prefix)
			return err == nil && o.GetAnnotations()["certwright.dev/seen-certificates"] != "", err
		})
	}
	before := p.Get(p.prefix)
	p.Renew(p.prefix)
	p.Reissued(before)
	for _, kind := range kinds {
		p.until(kind+" is restarted", func() (bool, error) {
			o, err := p.get(kind, p.prefix)
			if err != nil {
				return false, err
			}
			mark, _, err := unstructured.NestedString(o.Object, "spec", "template", "metadata", "annotations", "certwright.dev/certificates")
			return mark != "", err
		})
	}
}

// The namespaces of an install for some of them; the program above knows the first.
const tenant, second = "tenant", "tenant-second"

// TestNamespaced plays all scenes that need no right to the cluster with the Roles of
// deploy/namespaced, in two namespaces, and what needs one is left alone.
func TestNamespaced(t *testing.T) {
	account := harness.Account{Namespace: tenant, Name: "certwright"}
	applyNamespaced(t)
	outside := world.Space(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := world.Clients.WriteKubeconfig(t.Context(), account, kubeconfig); err != nil {
		t.Fatal(err)
	}
	d := start(t, kubeconfig, "--namespace="+tenant+","+second, "--leader-election-namespace="+tenant, "--cluster-resource-namespace="+tenant)
	outside.CreateIssuer("ca", cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}})
	play(t, everywhere, func(t *testing.T) *suite.Space {
		return &suite.Space{TB: t, Clients: world.Clients, World: world, Namespace: tenant}
	})
	two := &suite.Space{TB: t, Clients: world.Clients, World: world, Namespace: second}
	two.CA("ca")
	two.Issue("web", suite.IssuerRef("ca"))
	two.Create("far", suite.ClusterRef("anywhere"))
	_, message := two.RequestEnds("far-1", cmapi.CertificateRequestReasonPending)
	two.Mentions(message, "ClusterIssuer", "--namespace")
	if asked := outside.Asked(account); len(asked) > 0 {
		t.Errorf("it reached out of its namespaces: %v", asked)
	}
	refused(t, account)
	quiet(t, d, account)
}

// applyNamespaced applies deploy/namespaced as its overlays do.
func applyNamespaced(t *testing.T) {
	t.Helper()
	for namespace, folder := range map[string][]string{tenant: {"deploy", "namespaced"}, second: {"deploy", "namespaced", "serve"}} {
		if err := world.Clients.EnsureNamespace(t.Context(), namespace); err != nil {
			t.Fatal(err)
		}
		dir, err := harness.Folder(folder...)
		if err != nil {
			t.Fatal(err)
		}
		applyMoved(t, dir, namespace, tenant)
	}
}

// applyMoved applies the manifests under dir into a namespace, for the account of
// another.
func applyMoved(t *testing.T, dir, namespace, account string) {
	t.Helper()
	objects, err := harness.ReadManifests(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		o.SetNamespace(namespace)
		if subjects, found, _ := unstructured.NestedSlice(o.Object, "subjects"); found {
			subjects[0].(map[string]any)["namespace"] = account
			if err := unstructured.SetNestedSlice(o.Object, subjects, "subjects"); err != nil {
				t.Fatal(err)
			}
		}
		if o.GetKind() == "Deployment" {
			continue // the test is the kubelet
		}
		if err := world.Clients.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

// quiet: a daemon that does its work and lacks nothing repeats no complaint, and asks
// for nothing that is not in a namespace.
func quiet(t *testing.T, d *harness.Daemon, account harness.Account) {
	t.Helper()
	before := len(d.Log())
	<-time.After(spell) // to see that nothing is said in it
	said := d.Log()
	for line := range strings.Lines(said) {
		if strings.Contains(line, "orbidden") || strings.Contains(line, "Rights are missing") || strings.Contains(line, "reflector.go") {
			t.Errorf("it complains: %s", line)
		}
	}
	if more := strings.Count(said[before:], "\nE"); more > 0 {
		t.Errorf("at rest it complains %d times in %s:\n%s", more, spell, said[before:])
	}
	all, err := world.Audit(account.Username())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range all {
		if entry.Namespace == "" && entry.Resource != "" && entry.Group != "authorization.k8s.io" {
			t.Errorf("it asked the cluster: %s", entry)
		}
	}
}
