package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// What the stand-in for AWS gives out.
const (
	awsAccount      = "123456789012"
	awsRoleARN      = "arn:aws:iam::" + awsAccount + ":role/web"
	awsCAARN        = "arn:aws:acm-pca:eu-central-1:" + awsAccount + ":certificate-authority/standin"
	awsKeyID        = "ASIASTANDIN"
	awsSecretKey    = "standin-aws-secret-key"
	awsSessionToken = "standin-aws-session-token"
	awsRoot         = "AWS stand-in root"
)

// awsStandin is a stand-in for AWS: as much of STS and of the Private CA as is
// called here. It checks no signature, only who is named in it.
type awsStandin struct {
	url    string
	server *http.Server

	mu     sync.Mutex
	key    *ecdsa.PrivateKey
	root   *x509.Certificate
	issued map[string]string // ARN -> PEM
}

func startAWS() (*awsStandin, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: awsRoot}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &awsStandin{url: "http://" + listener.Addr().String(), key: key, root: root, issued: map[string]string{}}
	a.server = &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = a.server.Serve(listener) }() // it ends with close
	return a, nil
}

func (a *awsStandin) close() { _ = a.server.Close() }

// ServeHTTP answers as the service that the request is for.
func (a *awsStandin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, action, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "ACMPrivateCA."); ok {
		a.privateCA(w, r, action)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch r.Form.Get("Action") {
	case "AssumeRoleWithWebIdentity":
		a.assume(w, r)
	case "GetCallerIdentity":
		a.identity(w, r)
	default:
		http.Error(w, "no such action", http.StatusBadRequest)
	}
}

// assume gives credentials to whoever has a token of three parts.
func (a *awsStandin) assume(w http.ResponseWriter, r *http.Request) {
	if strings.Count(r.Form.Get("WebIdentityToken"), ".") != 2 || r.Form.Get("RoleArn") != awsRoleARN {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>`)
		return
	}
	fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>`+
		`<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials>`+
		`</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
		awsKeyID, awsSecretKey, awsSessionToken, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

// identity tells whose key signed the request.
func (a *awsStandin) identity(w http.ResponseWriter, r *http.Request) {
	arn := "arn:aws:sts::" + awsAccount + ":assumed-role/web/certwright"
	if !strings.Contains(r.Header.Get("Authorization"), "Credential="+awsKeyID+"/") {
		arn = "arn:aws:sts::" + awsAccount + ":assumed-role/somebody/else"
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
		`<Arn>%s</Arn><UserId>AROASTANDIN:certwright</UserId><Account>%s</Account></GetCallerIdentityResult>`+
		`<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`, arn, awsAccount)
}

// privateCA answers as ACM Private CA.
func (a *awsStandin) privateCA(w http.ResponseWriter, r *http.Request, action string) {
	var body struct {
		CSR            []byte `json:"Csr"`
		CertificateArn string
		Token          string `json:"IdempotencyToken"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var answer any
	switch action {
	case "DescribeCertificateAuthority":
		answer = map[string]any{"CertificateAuthority": map[string]any{"Arn": awsCAARN, "Status": "ACTIVE",
			"CertificateAuthorityConfiguration": map[string]string{"SigningAlgorithm": "SHA256WITHECDSA", "KeyAlgorithm": "EC_prime256v1"}}}
	case "IssueCertificate":
		arn, err := a.issue(body.CSR, body.Token)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			answer = map[string]string{"__type": "MalformedCSRException", "message": err.Error()}
			break
		}
		answer = map[string]string{"CertificateArn": arn}
	case "GetCertificate":
		a.mu.Lock()
		answer = map[string]string{"Certificate": a.issued[body.CertificateArn], "CertificateChain": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw}))}
		a.mu.Unlock()
	}
	_ = json.NewEncoder(w).Encode(answer) // the client may be gone
}

// issue signs a request, once for a token.
func (a *awsStandin) issue(text []byte, token string) (string, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return "", fmt.Errorf("the CSR is no PEM")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	arn := awsCAARN + "/certificate/" + token
	if a.issued[arn] != "" {
		return arn, nil
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return "", err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: csr.Subject, DNSNames: csr.DNSNames, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().AddDate(0, 3, 0),
	}, a.root, csr.PublicKey, a.key)
	if err != nil {
		return "", err
	}
	a.issued[arn] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return arn, nil
}
