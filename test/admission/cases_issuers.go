package admission

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func issuer(config cmapi.IssuerConfig) *cmapi.Issuer {
	return &cmapi.Issuer{
		TypeMeta:   metav1.TypeMeta{APIVersion: "cert-manager.io/v1", Kind: "Issuer"},
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace},
		Spec:       cmapi.IssuerSpec{IssuerConfig: config},
	}
}

// iss is the case of a new Issuer. Without a field it is accepted.
func iss(name, field string, config cmapi.IssuerConfig) Case {
	return Case{Name: "Issuer: " + name, Field: field, New: issuer(config)}
}

// clustered is the same of a new ClusterIssuer.
func clustered(name, field string, config cmapi.IssuerConfig) Case {
	return Case{Name: "ClusterIssuer: " + name, Field: field, New: &cmapi.ClusterIssuer{
		TypeMeta: metav1.TypeMeta{APIVersion: "cert-manager.io/v1", Kind: "ClusterIssuer"},
		Spec:     cmapi.IssuerSpec{IssuerConfig: config},
	}}
}

func ca(name, field string, c cmapi.CAIssuer) Case {
	return iss(name, field, cmapi.IssuerConfig{CA: &c})
}

func venafi(name, field string, v cmapi.VenafiIssuer) Case {
	return iss(name, field, cmapi.IssuerConfig{Venafi: &v})
}

func tpp(name, field string, t cmapi.VenafiTPP) Case {
	return venafi(name, field, cmapi.VenafiIssuer{Zone: "zone", TPP: &t})
}

func ngts(name, field string, n cmapi.VenafiNGTS) Case {
	return venafi(name, field, cmapi.VenafiIssuer{Zone: "zone", NGTS: &n})
}

// secretRef selects a key of a Secret.
func secretRef(name, key string) cmmeta.SecretKeySelector {
	return cmmeta.SecretKeySelector{Key: key, LocalObjectReference: cmmeta.LocalObjectReference{Name: name}}
}

func secretPtr(name, key string) *cmmeta.SecretKeySelector {
	ref := secretRef(name, key)
	return &ref
}

func issuers() []Case {
	self, authority := &cmapi.SelfSignedIssuer{}, &cmapi.CAIssuer{SecretName: "ca"}
	cloud := &cmapi.VenafiCloud{APITokenSecretRef: secretRef("token", "key")}
	const none = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"
	return []Case{
		iss("no type", "spec", cmapi.IssuerConfig{}),
		iss("self-signed", "", cmapi.IssuerConfig{SelfSigned: self}),
		iss("two types", "spec", cmapi.IssuerConfig{SelfSigned: self, CA: authority}),
		clustered("no type", "spec", cmapi.IssuerConfig{}),
		clustered("two types", "spec", cmapi.IssuerConfig{SelfSigned: self, CA: authority}),
		clustered("CA", "", cmapi.IssuerConfig{CA: authority}),
		clustered("CA without a Secret", "spec.ca.secretName", cmapi.IssuerConfig{CA: &cmapi.CAIssuer{}}),
		clustered("ACME without a server", "spec.acme.server", cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{PrivateKey: secretRef("account", "")}}),

		ca("CA", "", cmapi.CAIssuer{SecretName: "ca", OCSPServers: []string{"http://ocsp.example.com"}, IssuingCertificateURLs: []string{"http://ca.example.com/ca.crt"}}),
		ca("CA without a Secret", "spec.ca.secretName", cmapi.CAIssuer{}),
		ca("CA with an empty OCSP server", "spec.ca.ocspServers[1]", cmapi.CAIssuer{SecretName: "ca", OCSPServers: []string{"http://ocsp.example.com", ""}}),
		ca("CA with an empty issuer URL", "spec.ca.issuingCertificateURLs[0]", cmapi.CAIssuer{SecretName: "ca", IssuingCertificateURLs: []string{""}}),

		venafi("Venafi cloud", "", cmapi.VenafiIssuer{Zone: "zone", Cloud: cloud}),
		venafi("Venafi without a zone", "spec.venafi.zone", cmapi.VenafiIssuer{Cloud: cloud}),
		venafi("Venafi of no kind", "spec.venafi", cmapi.VenafiIssuer{Zone: "zone"}),
		venafi("Venafi of two kinds", "spec.venafi", cmapi.VenafiIssuer{Zone: "zone", Cloud: cloud, TPP: &cmapi.VenafiTPP{URL: "https://tpp.example.com"}}),
		tpp("Venafi TPP", "", cmapi.VenafiTPP{URL: "https://tpp.example.com", CABundle: bundle("")}),
		tpp("Venafi TPP without a URL", "spec.venafi.tpp.url", cmapi.VenafiTPP{}),
		tpp("Venafi TPP with two bundles", "spec.venafi.tpp.caBundle", cmapi.VenafiTPP{URL: "https://tpp.example.com", CABundle: bundle(""), CABundleSecretRef: secretPtr("ca", "ca.crt")}),
		tpp("Venafi TPP with a bundle of text", "spec.venafi.tpp.caBundle", cmapi.VenafiTPP{URL: "https://tpp.example.com", CABundle: []byte("text")}),
		onlyRules("CEL does not read certificates", tpp("Venafi TPP with a bundle of nothing", "spec.venafi.tpp.caBundle", cmapi.VenafiTPP{URL: "https://tpp.example.com", CABundle: []byte(none)})),
		ngts("Venafi NGTS", "", cmapi.VenafiNGTS{TSGID: "1", CredentialsRef: cmmeta.LocalObjectReference{Name: "client"}}),
		ngts("Venafi NGTS without a group", "spec.venafi.ngts.tsgID", cmapi.VenafiNGTS{CredentialsRef: cmmeta.LocalObjectReference{Name: "client"}}),
		ngts("Venafi NGTS without credentials", "spec.venafi.ngts.credentialsRef.name", cmapi.VenafiNGTS{TSGID: "1"}),

		reissuer("an old fault, other metadata", "", cmapi.IssuerConfig{}, cmapi.IssuerConfig{}),
		reissuer("an old fault, another fault", "spec.ca.secretName", cmapi.IssuerConfig{}, cmapi.IssuerConfig{CA: &cmapi.CAIssuer{}}),
		reissuer("an old fault, mended", "", cmapi.IssuerConfig{}, cmapi.IssuerConfig{CA: authority}),
		reissuer("a new fault", "spec", cmapi.IssuerConfig{CA: authority}, cmapi.IssuerConfig{CA: authority, SelfSigned: self}),
	}
}

// reissuer is the case of an Issuer that was made before there were rules, and
// loses a finalizer now.
func reissuer(name, field string, old, now cmapi.IssuerConfig) Case {
	before, after := issuer(old), issuer(now)
	before.Finalizers = []string{"example.com/finalizer"}
	return Case{Name: "Issuer: " + name, Field: field, Old: before, New: after}
}

// bundle is a CA certificate in PEM behind some text, as tools write it.
func bundle(text string) []byte {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // the machine has no randomness
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		panic(err) // the template above is wrong
	}
	return append([]byte(text), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
}
