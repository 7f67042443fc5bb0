package admission

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"reflect"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// request is one that nothing is wrong with, but for the edits.
func request(edits ...func(*cmapi.CertificateRequest)) *cmapi.CertificateRequest {
	cr := &cmapi.CertificateRequest{
		TypeMeta:   metav1.TypeMeta{APIVersion: "cert-manager.io/v1", Kind: "CertificateRequest"},
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace},
		Spec:       cmapi.CertificateRequestSpec{Request: signingRequest(), IssuerRef: cmmeta.IssuerReference{Name: "root"}},
	}
	for _, edit := range edits {
		edit(cr)
	}
	return cr
}

// req is the case of a new CertificateRequest. Without a field it is accepted.
func req(name, field string, edit func(*cmapi.CertificateRequest)) Case {
	return Case{Name: "CertificateRequest: " + name, Field: field, New: request(edit)}
}

// by has another user do it.
func by(user *User, c Case) Case {
	c.User = user
	return c
}

// stamped wants to find in the request who made it, and nothing else.
func stamped(c Case) Case {
	c.Stored = func(object *unstructured.Unstructured) error {
		var cr cmapi.CertificateRequest
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &cr); err != nil {
			return err
		}
		user, spec := c.Who(), cr.Spec
		have := User{Name: spec.Username, UID: spec.UID, Groups: spec.Groups, Extra: spec.Extra}
		want := User{Name: user.Name, UID: user.UID, Groups: user.Info().Groups, Extra: user.Extra}
		if !reflect.DeepEqual(have, want) {
			return fmt.Errorf("the requester %+v instead of %+v", have, want)
		}
		return nil
	}
	return c
}

// unstamped has the request stored as it was sent.
func unstamped(c Case) Case {
	c.Unstamped = true
	return c
}

func as(user *User) func(*cmapi.CertificateRequest) {
	return func(cr *cmapi.CertificateRequest) {
		cr.Spec.Username, cr.Spec.UID, cr.Spec.Groups, cr.Spec.Extra = user.Name, user.UID, user.Info().Groups, user.Extra
	}
}

func requests() []Case {
	plain := func(*cmapi.CertificateRequest) {}
	damaged := signingRequest()
	block, _ := pem.Decode(damaged)
	block.Bytes[len(block.Bytes)-1] ^= 1
	forged := pem.EncodeToMemory(block)
	const none = "-----BEGIN CERTIFICATE REQUEST-----\nbm90aGluZw==\n-----END CERTIFICATE REQUEST-----\n"
	return []Case{
		req("a plain one", "", plain),
		req("behind a letter", "", func(cr *cmapi.CertificateRequest) { cr.Spec.Request = append([]byte("\n"), signingRequest()...) }),
		req("behind two letters", "", func(cr *cmapi.CertificateRequest) { cr.Spec.Request = append([]byte("#\n"), signingRequest()...) }),
		req("unknown kind of our group", "spec.issuerRef.kind", func(cr *cmapi.CertificateRequest) { cr.Spec.IssuerRef.Kind = "WidgetIssuer" }),
		req("external issuer", "", func(cr *cmapi.CertificateRequest) {
			cr.Spec.IssuerRef.Kind, cr.Spec.IssuerRef.Group = "WidgetIssuer", "example.com"
		}),
		req("no issuer", "spec.issuerRef.name", func(cr *cmapi.CertificateRequest) { cr.Spec.IssuerRef.Name = "" }),
		req("empty", "spec.request", func(cr *cmapi.CertificateRequest) { cr.Spec.Request = nil }),
		req("of text", "spec.request", func(cr *cmapi.CertificateRequest) { cr.Spec.Request = []byte("invalid-csr") }),
		req("of a certificate", "spec.request", func(cr *cmapi.CertificateRequest) { cr.Spec.Request = bundle("") }),
		onlyRules("CEL does not read CSRs", req("of nothing in PEM", "spec.request", func(cr *cmapi.CertificateRequest) { cr.Spec.Request = []byte(none) })),
		onlyRules("CEL does not read CSRs", req("not signed by its key", "spec.request", func(cr *cmapi.CertificateRequest) { cr.Spec.Request = forged })),
		onlyRules("CEL does not read CSRs", req("usages that the CSR does not have", "spec.usages", func(cr *cmapi.CertificateRequest) {
			cr.Spec.Request, cr.Spec.Usages = signingRequest(forDigitalSignature), []cmapi.KeyUsage{"key encipherment"}
		})),
		req("usages that the CSR has", "", func(cr *cmapi.CertificateRequest) {
			cr.Spec.Request, cr.Spec.Usages = signingRequest(forDigitalSignature), []cmapi.KeyUsage{"digital signature"}
		}),
		onlyRules("CEL does not read CSRs", req("a CA that does not say so", "spec.isCA", func(cr *cmapi.CertificateRequest) { cr.Spec.Request = signingRequest(forCA) })),
		req("unknown usage", "spec.usages[0]", func(cr *cmapi.CertificateRequest) { cr.Spec.Usages = []cmapi.KeyUsage{"server"} }),
		req("duration", "", func(cr *cmapi.CertificateRequest) { cr.Spec.Duration = hours(1) }),
		req("duration of nothing", "spec.duration", func(cr *cmapi.CertificateRequest) { cr.Spec.Duration = hours(0) }),
		req("duration of a minus", "spec.duration", func(cr *cmapi.CertificateRequest) { cr.Spec.Duration = hours(-1) }),
		{Name: "CertificateRequest: no spec", Field: "spec", New: request(), Only: Server, Because: "Go's types cannot hold it",
			Raw: func(object map[string]any) { delete(object, "spec") }},
		{Name: "CertificateRequest: duration of a day", Field: "spec.duration", New: request(), Only: Server, Because: "Go's types cannot hold it",
			Raw: func(object map[string]any) { object["spec"].(map[string]any)["duration"] = "1d" }},

		stamped(req("by someone with everything", "", plain)),
		stamped(by(Plain, req("by someone with no more than a name", "", plain))),
		stamped(by(Daemon, req("by the daemon", "", plain))),
		stamped(by(Plain, req("in another's name", "", as(Developer)))),
		stamped(req("in another's groups", "", func(cr *cmapi.CertificateRequest) {
			cr.Spec.Groups, cr.Spec.Extra = []string{"system:masters"}, map[string][]string{"example.com/team": {"red"}, "admin": {"yes"}}
		})),
		unstamped(req("unstamped, saying nothing", "", plain)),
		unstamped(req("unstamped, saying the truth", "", as(Developer))),
		unstamped(by(Plain, req("unstamped, saying a short truth", "", as(Plain)))),
		unstamped(by(Plain, req("unstamped, another's name", "spec.username", as(Developer)))),
		unstamped(req("unstamped, groups only", "spec.username", func(cr *cmapi.CertificateRequest) { cr.Spec.Groups = Developer.Info().Groups })),
		unstamped(req("unstamped, another uid", "spec.uid", func(cr *cmapi.CertificateRequest) { as(Developer)(cr); cr.Spec.UID = "dora-2" })),
		unstamped(req("unstamped, one more group", "spec.groups", func(cr *cmapi.CertificateRequest) {
			as(Developer)(cr)
			cr.Spec.Groups = append(cr.Spec.Groups, "system:masters")
		})),
		unstamped(by(Plain, req("unstamped, extra of nobody", "spec.extra", func(cr *cmapi.CertificateRequest) {
			as(Plain)(cr)
			cr.Spec.Extra = map[string][]string{"admin": {"yes"}}
		}))),
	}
}

// changed is the case of a request that is edited after it was made.
func changed(name, field string, edit func(*cmapi.CertificateRequest)) Case {
	before := request(as(Developer), func(cr *cmapi.CertificateRequest) {
		cr.Annotations = map[string]string{"cert-manager.io/certificate-name": "web", "acme.cert-manager.io/http01-override-ingress-name": "edge", "example.com/note": "a"}
		cr.Labels, cr.Finalizers = map[string]string{"app": "web"}, []string{"example.com/finalizer"}
		cr.Spec.Duration, cr.Spec.Usages = hours(1), []cmapi.KeyUsage{"server auth"}
	})
	after := before.DeepCopy()
	edit(after)
	return by(Plain, Case{Name: "CertificateRequest: changed " + name, Field: field, Old: before, New: after})
}

func requestChanges() []Case {
	const ours, acmes = "cert-manager.io/certificate-name", "acme.cert-manager.io/http01-override-ingress-name"
	return []Case{
		changed("in nothing", "", func(*cmapi.CertificateRequest) {}),
		changed("in labels and finalizers", "", func(cr *cmapi.CertificateRequest) { cr.Labels, cr.Finalizers = nil, nil }),
		changed("in annotations of others", "", func(cr *cmapi.CertificateRequest) { cr.Annotations["example.com/note"] = "b" }),
		changed("in the request", "spec.request", func(cr *cmapi.CertificateRequest) { cr.Spec.Request = signingRequest() }),
		changed("in the issuer", "spec.issuerRef", func(cr *cmapi.CertificateRequest) { cr.Spec.IssuerRef.Name = "other" }),
		changed("in the issuer's kind", "spec.issuerRef", func(cr *cmapi.CertificateRequest) { cr.Spec.IssuerRef.Kind = "ClusterIssuer" }),
		changed("in the duration", "spec.duration", func(cr *cmapi.CertificateRequest) { cr.Spec.Duration = hours(2) }),
		changed("to no duration", "spec.duration", func(cr *cmapi.CertificateRequest) { cr.Spec.Duration = nil }),
		changed("in isCA", "spec.isCA", func(cr *cmapi.CertificateRequest) { cr.Spec.IsCA = true }),
		changed("in the usages", "spec.usages", func(cr *cmapi.CertificateRequest) { cr.Spec.Usages = append(cr.Spec.Usages, "client auth") }),
		changed("in the username", "spec.username", func(cr *cmapi.CertificateRequest) { cr.Spec.Username = Plain.Name }),
		changed("in the uid", "spec.uid", func(cr *cmapi.CertificateRequest) { cr.Spec.UID = "" }),
		changed("in the groups", "spec.groups", func(cr *cmapi.CertificateRequest) { cr.Spec.Groups = []string{"system:masters"} }),
		changed("in the extra", "spec.extra", func(cr *cmapi.CertificateRequest) { cr.Spec.Extra = nil }),
		changed("in an annotation of ours", "metadata.annotations["+ours+"]", func(cr *cmapi.CertificateRequest) { cr.Annotations[ours] = "b" }),
		changed("by an annotation of ours removed", "metadata.annotations["+acmes+"]", func(cr *cmapi.CertificateRequest) { delete(cr.Annotations, acmes) }),
		changed("by an annotation of ours added", "metadata.annotations[cert-manager.io/certificate-revision]", func(cr *cmapi.CertificateRequest) {
			cr.Annotations["cert-manager.io/certificate-revision"] = "2"
		}),
	}
}

// The extensions of a CSR that say what it is for.
var (
	forDigitalSignature = pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: []byte{3, 2, 7, 0x80}}
	forCA               = pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 3, 1, 1, 0xff}}
)

// signingRequest is a PEM CSR with a key of its own.
func signingRequest(extensions ...pkix.Extension) []byte {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // the machine has no randomness
	}
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "web"}, DNSNames: []string{"www.example.com"}, ExtraExtensions: extensions}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		panic(err) // the template above is wrong
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// someTime is when conditions of the cases were set.
var someTime = metav1.NewTime(time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC))

// SigningRequest is a PEM CSR that nothing is wrong with.
func SigningRequest() []byte { return signingRequest() }
