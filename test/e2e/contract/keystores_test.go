package contract

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// secretly puts a password into a Secret, or changes it.
func secretly(s *suite.Space, name, password string) {
	s.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name}}
	if had, err := s.Kube.CoreV1().Secrets(s.Namespace).Get(s.Context(), name, metav1.GetOptions{}); err == nil {
		secret = had
	}
	secret.Data = map[string][]byte{"password": []byte(password)}
	s.PutSecret(secret)
}

// jks and pkcs12 ask for a keystore: with an inline password, or with that of
// a Secret named "password" where it is empty.
func jks(password, alias string) suite.Edit {
	return func(crt *cmapi.Certificate) {
		store := &cmapi.JKSKeystore{Create: true}
		if alias != "" {
			store.Alias = &alias
		}
		if store.Password = &password; password == "" {
			store.Password = nil
			store.PasswordSecretRef.Name, store.PasswordSecretRef.Key = "password", "password"
		}
		stores(crt).JKS = store
	}
}

func pkcs12(password string, profile cmapi.PKCS12Profile) suite.Edit {
	return func(crt *cmapi.Certificate) {
		store := &cmapi.PKCS12Keystore{Create: true, Profile: profile}
		if store.Password = &password; password == "" {
			store.Password = nil
			store.PasswordSecretRef.Name, store.PasswordSecretRef.Key = "password", "password"
		}
		stores(crt).PKCS12 = store
	}
}

func stores(crt *cmapi.Certificate) *cmapi.CertificateKeystores {
	if crt.Spec.Keystores == nil {
		crt.Spec.Keystores = &cmapi.CertificateKeystores{}
	}
	return crt.Spec.Keystores
}

// below makes an issuer whose CA is below a root, so that a chain is two long.
func below(s *suite.Space, name string) (root *harness.Authority) {
	s.Helper()
	root, err := harness.NewRoot("root")
	s.Must(err)
	ca, err := root.Sub("middle")
	s.Must(err)
	s.CAOf(name, ca)
	return root
}

// fingerprint as keytool prints it.
func fingerprint(certificate *x509.Certificate) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", sha256.Sum256(certificate.Raw)), " ", ":")
}

func TestJavaReadsKeystores(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		keystore suite.Edit
		store    string // its key in the Secret; the truststore's is like it
		password string
		entry    string
		length   int // of the chain that Java finds
	}{
		"jks":                  {jks("inline", ""), "keystore.jks", "inline", "Alias name: certificate", 2},
		"jks with alias":       {jks("", "web"), "keystore.jks", "open sesame", "Alias name: web", 2},
		"pkcs12":               {pkcs12("", ""), "keystore.p12", "open sesame", "Keystore type: PKCS12", 3},
		"pkcs12 of LegacyRC2":  {pkcs12("inline", cmapi.LegacyRC2PKCS12Profile), "keystore.p12", "inline", "Keystore type: PKCS12", 3},
		"pkcs12 of LegacyDES":  {pkcs12("", cmapi.LegacyDESPKCS12Profile), "keystore.p12", "open sesame", "Keystore type: PKCS12", 3},
		"pkcs12 of Modern2023": {pkcs12("inline", cmapi.Modern2023PKCS12Profile), "keystore.p12", "inline", "Keystore type: PKCS12", 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := space(t)
			root := below(s, "ca")
			secretly(s, "password", "open sesame")
			got := s.Issue("java", suite.IssuerRef("ca"), row.keystore)
			d, trust := newDesk(s), "trust"+strings.TrimPrefix(row.store, "key")
			d.put("key", got.Secret.Data[row.store])
			d.put("trust", got.Secret.Data[trust])
			s.Mentions(d.run("keytool", "-list", "-v", "-keystore", "key", "-storepass", row.password),
				"Entry type: PrivateKeyEntry", fmt.Sprintf("Certificate chain length: %d", row.length), row.entry, fingerprint(got.Leaf))
			s.Mentions(d.run("keytool", "-list", "-v", "-keystore", "trust", "-storepass", row.password),
				"Entry type: trustedCertEntry", "Your keystore contains 1 entry", fingerprint(root.Certificate))
		})
	}
}

// TestOpenSSLReadsKeystores takes key and chain out of every profile. Before
// version 3.4 it cannot check the MAC of Modern2026, and is told not to.
func TestOpenSSLReadsKeystores(t *testing.T) {
	t.Parallel()
	for profile, args := range map[cmapi.PKCS12Profile][]string{
		"":                            {"-legacy"},
		cmapi.LegacyRC2PKCS12Profile:  {"-legacy"},
		cmapi.LegacyDESPKCS12Profile:  {"-legacy"},
		cmapi.Modern2023PKCS12Profile: nil,
		cmapi.Modern2026PKCS12Profile: {"-nomacver"},
	} {
		t.Run("profile "+string(profile), func(t *testing.T) {
			s := space(t)
			root := below(s, "ca")
			secretly(s, "password", "open sesame")
			got := s.Issue("web", suite.IssuerRef("ca"), pkcs12("", profile))
			d := newDesk(s)
			d.put("key", got.Secret.Data["keystore.p12"])
			d.put("trust", got.Secret.Data["truststore.p12"])
			open := append([]string{"pkcs12", "-passin", "pass:open sesame"}, args...)
			d.put("pem", []byte(d.run("openssl", append(open, "-in", "key", "-nodes")...)))
			d.put("roots", []byte(d.run("openssl", append(open, "-in", "trust", "-nokeys")...)))
			d.put("chain", pemOf(got.Chain...))
			d.put("tls.key", got.Secret.Data["tls.key"])
			if d.run("openssl", "pkey", "-in", "pem", "-pubout") != d.run("openssl", "pkey", "-in", "tls.key", "-pubout") {
				t.Error("it holds another key than tls.key")
			}
			d.run("openssl", "verify", "-CAfile", "roots", "-untrusted", "pem", "chain")
			if out := string(d.file("roots")); strings.Count(out, "BEGIN CERTIFICATE") != 1 || !strings.Contains(out, string(pemOf(root.Certificate))) {
				t.Errorf("the truststore does not hold the root alone:\n%s", out)
			}
			if profile != cmapi.Modern2026PKCS12Profile { // whose MAC is not looked at
				d.refuses("invalid password", "openssl", append(open, "-in", "key", "-nodes", "-passin", "pass:wrong")...)
			}
		})
	}
}

// TestKeystoresAreWrittenOnce: although writing one again would salt it anew,
// a Secret stays as it is over passes and restarts.
func TestKeystoresAreWrittenOnce(t *testing.T) {
	d := ownDaemon(t)
	s := world.Space(t)
	below(s, "ca")
	secretly(s, "password", "open sesame")
	profiles := []cmapi.PKCS12Profile{"", cmapi.LegacyRC2PKCS12Profile, cmapi.LegacyDESPKCS12Profile, cmapi.Modern2023PKCS12Profile, cmapi.Modern2026PKCS12Profile}
	version, names := map[string]string{}, map[string]bool{}
	for i, profile := range profiles {
		name := fmt.Sprintf("web-%d", i)
		names[name] = true
		version[name] = s.Issue(name, suite.IssuerRef("ca"), jks("", ""), pkcs12("inline", profile)).Secret.ResourceVersion
	}
	pass := func(limit int32) {
		for name := range names {
			s.Edit(name, func(crt *cmapi.Certificate) { crt.Spec.RevisionHistoryLimit = &limit })
		}
		for name := range names {
			s.Ready(name) // for the new generation: it was looked at
			if is := s.Bundle(name).Secret.ResourceVersion; is != version[name] {
				t.Errorf("the Secret %s was written again", name)
			}
		}
	}
	pass(2)
	ctx, cancel := s.Within()
	defer cancel()
	s.Must(d.Restart(ctx))
	pass(3)
}

func TestKeystoresFollowTheirPassword(t *testing.T) {
	s := space(t)
	s.CA("ca")
	secretly(s, "password", "first")
	first := s.Issue("web", suite.IssuerRef("ca"), jks("", ""), pkcs12("inline", cmapi.Modern2023PKCS12Profile))
	change := func(key, password string) {
		was := first.Secret.Data[key]
		secret := s.AwaitSecret("web", func(secret *corev1.Secret) bool { return string(secret.Data[key]) != string(was) })
		d := newDesk(s)
		d.put("store", secret.Data[key])
		d.run("keytool", "-list", "-keystore", "store", "-storepass", password)
		if !s.Parse(secret).Leaf.Equal(first.Leaf) {
			t.Error("a new certificate was issued for a password")
		}
	}
	secretly(s, "password", "second")
	change("keystore.jks", "second")
	s.Edit("web", pkcs12("another", cmapi.Modern2023PKCS12Profile))
	change("keystore.p12", "another")
	// One that is not wanted any more goes.
	s.Edit("web", func(crt *cmapi.Certificate) { crt.Spec.Keystores.JKS.Create = false })
	left := s.AwaitSecret("web", func(secret *corev1.Secret) bool { return secret.Data["keystore.jks"] == nil })
	if left.Data["truststore.jks"] != nil || left.Data["keystore.p12"] == nil {
		t.Errorf("without JKS the Secret holds %d keys", len(left.Data))
	}
}

// TestKeystorePasswordThatComesLater: the certificate need not wait for it, but
// the status says what is missing.
func TestKeystorePasswordThatComesLater(t *testing.T) {
	s := space(t)
	s.CA("ca")
	first := s.Issue("web", suite.IssuerRef("ca"), jks("", ""))
	says := func(words ...string) {
		s.Await("web", func(crt *cmapi.Certificate) bool {
			c := harness.Condition(crt, cmapi.CertificateConditionReady)
			return c != nil && containsAll(c.Message, words...)
		})
	}
	says("spec.keystores.jks.passwordSecretRef", `Secret "password" does not exist`, "create it")
	if first.Secret.Data["keystore.jks"] != nil {
		t.Error("there is a keystore of a password that is not there")
	}
	secretly(s, "password", "")
	says("spec.keystores.jks.passwordSecretRef", `has nothing in "password"`)
	secretly(s, "password", "at last")
	secret := s.AwaitSecret("web", func(secret *corev1.Secret) bool { return secret.Data["keystore.jks"] != nil })
	says("Certificate is up to date")
	d := newDesk(s)
	d.put("store", secret.Data["keystore.jks"])
	d.run("keytool", "-list", "-keystore", "store", "-storepass", "at last")
	if !s.Parse(secret).Leaf.Equal(first.Leaf) {
		t.Error("a new certificate was issued for a password")
	}
	s.Edit("web", func(crt *cmapi.Certificate) { crt.Spec.RevisionHistoryLimit = ptr.To[int32](2) })
	if c := harness.Condition(s.Ready("web"), cmapi.CertificateConditionReady); strings.Contains(c.Message, "incomplete") {
		t.Errorf("it still says %s", c.Message)
	}
}

func containsAll(text string, words ...string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// filled tells whether a Secret holds a certificate.
func filled(secret *corev1.Secret) bool { return len(secret.Data[corev1.TLSCertKey]) > 0 }
