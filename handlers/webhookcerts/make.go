package webhookcerts

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/internal/webhookset"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

func makeKey(set *webhookset.Set) (crypto.Signer, []byte, error) {
	key, err := pki.GenerateKey(pki.KeySpec{Algorithm: cmapi.PrivateKeyAlgorithm(set.Algorithm), Size: set.KeySize})
	if err != nil {
		return nil, nil, fmt.Errorf("generate private key: %w", err)
	}
	text, err := pki.EncodeKey(key, cmapi.PKCS1)
	return key, text, err
}

// makeCA makes a CA and its PEM forms.
func makeCA(set *webhookset.Set, now time.Time) (ca Pair, certPEM, keyPEM []byte, err error) {
	if ca.Key, keyPEM, err = makeKey(set); err != nil {
		return ca, nil, nil, err
	}
	template, err := pki.NewTemplate(now, set.CADuration)
	if err != nil {
		return ca, nil, nil, err
	}
	template.Subject = pkix.Name{CommonName: "webhook CA of " + set.Name}
	template.IsCA, template.MaxPathLenZero = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	chain, err := pki.SelfSign(template, ca.Key)
	if err != nil {
		return ca, nil, nil, err
	}
	certs, err := pki.ParseCertificates(chain.Leaf)
	if err != nil {
		return ca, nil, nil, err
	}
	ca.Cert = certs[0]
	return ca, chain.Leaf, keyPEM, nil
}

// makeServer makes a server certificate by the CA, which it does not outlive.
func makeServer(o *Observed, now time.Time) (certPEM, keyPEM []byte, err error) {
	key, keyPEM, err := makeKey(o.Set)
	if err != nil {
		return nil, nil, err
	}
	template, err := pki.NewTemplate(now, min(o.Set.ServerDuration, o.CA.Cert.NotAfter.Sub(now)))
	if err != nil {
		return nil, nil, err
	}
	template.DNSNames, template.IPAddresses = o.Set.Names()
	if len(template.DNSNames) > 0 && len(template.DNSNames[0]) <= 64 { // the most a common name holds
		template.Subject = pkix.Name{CommonName: template.DNSNames[0]}
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	signer := pki.KeyPair{Certificates: []*x509.Certificate{o.CA.Cert}, Key: o.CA.Key}
	chain, err := signer.Sign(template, key.Public())
	if err != nil {
		return nil, nil, err
	}
	return chain.Certificates, keyPEM, nil
}
