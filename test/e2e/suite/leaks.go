package suite

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// leaks looks for the private key of every Secret of the cluster in everything
// that people can read without the right to read Secrets: logs, Events,
// metrics, and the objects of the API with their status.
func (w *World) leaks(ctx context.Context) ([]string, error) {
	said, err := w.everythingSaid(ctx)
	if err != nil {
		return nil, err
	}
	secrets, err := w.Clients.Kube.CoreV1().Secrets("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var found []string
	for n, word := range w.Private {
		for where, text := range said {
			if bytes.Contains(text, []byte(word)) {
				found = append(found, fmt.Sprintf("private word number %d is in %s", n+1, where))
			}
		}
	}
	for _, secret := range secrets.Items {
		for _, needle := range needles(secret.Data[corev1.TLSPrivateKeyKey]) {
			for where, text := range said {
				if bytes.Contains(text, []byte(needle)) {
					found = append(found, fmt.Sprintf("the key of Secret %s/%s is in %s", secret.Namespace, secret.Name, where))
				}
			}
		}
	}
	return found, nil
}

func (w *World) everythingSaid(ctx context.Context) (map[string][]byte, error) {
	said := map[string][]byte{"the daemons' logs": []byte(w.AllLogs())}
	if w.Daemon != nil && w.Daemon.Running() {
		page, err := w.Daemon.MetricsPage(ctx)
		if err != nil {
			return nil, err
		}
		said["the metrics"] = []byte(page)
	}
	core := w.Clients.Kube.CoreV1().RESTClient()
	api, acme := w.Clients.CertManager.CertmanagerV1().RESTClient(), w.Clients.CertManager.AcmeV1().RESTClient()
	for resource, client := range map[string]rest.Interface{
		"certificates": api, "certificaterequests": api, "issuers": api, "clusterissuers": api, "orders": acme, "challenges": acme,
	} {
		list, err := client.Get().Resource(resource).DoRaw(ctx)
		if err != nil {
			return nil, err
		}
		said[resource] = list
	}
	events, err := core.Get().Resource("events").SetHeader("Accept", "application/json").DoRaw(ctx)
	said["the Events"] = events
	if err == nil && !json.Valid(events) {
		err = fmt.Errorf("the Events are no JSON")
	}
	for where, text := range said {
		// PEM breaks its lines, and JSON writes the breaks as two characters.
		text = bytes.ReplaceAll(text, []byte("\n"), nil)
		said[where] = bytes.ReplaceAll(text, []byte(`\n`), nil)
	}
	return said, err
}

// needles are the shapes in which a key is printed by mistake: as PEM or DER in
// base64, as the data of a Secret, and as Go prints bytes. All are of its private
// part; the public part stands in certificates, for all to see.
func needles(keyPEM []byte) []string {
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil
	}
	private := privatePart(block.Bytes)
	at := bytes.Index(block.Bytes, private)
	if len(private) < 28 || at < 0 {
		return nil
	}
	found := []string{
		strings.Trim(fmt.Sprint(private[:16]), "[]"),
		fmt.Sprintf("%x", private[:16]),
		inSecretData(keyPEM, at),
	}
	// Base64 takes three bytes at a time, so there are three ways to begin.
	for shift := range 3 {
		found = append(found, base64.StdEncoding.EncodeToString(private[shift:shift+24]))
	}
	return found
}

// inSecretData is the same part, of PEM that is in base64 once more.
func inSecretData(keyPEM []byte, at int) string {
	chars := at * 4 / 3
	begin := bytes.IndexByte(keyPEM, '\n') + 1 + chars + chars/64 // of the private part within the PEM
	begin = (begin/3 + 1) * 3
	return base64.StdEncoding.EncodeToString(keyPEM[begin : begin+24])
}

// privatePart is the number or seed that makes a key private.
func privatePart(der []byte) []byte {
	var key any
	for _, parse := range []func([]byte) (any, error){
		x509.ParsePKCS8PrivateKey,
		func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) },
		func(der []byte) (any, error) { return x509.ParseECPrivateKey(der) },
	} {
		if parsed, err := parse(der); err == nil {
			key = parsed
			break
		}
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k.Primes[0].Bytes()
	case *ecdsa.PrivateKey:
		private, _ := k.Bytes() // a key that was just read can be written
		return private
	case ed25519.PrivateKey:
		return k.Seed()
	}
	return nil
}
