package commands

import (
	"errors"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func (b *bench) conditions(t *testing.T, namespace, name string) []cmapi.CertificateCondition {
	t.Helper()
	crt, err := b.certs.CertmanagerV1().Certificates(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return crt.Status.Conditions
}

func asked() []cmapi.CertificateCondition {
	at := metav1.NewTime(now)
	return []cmapi.CertificateCondition{{
		Type: "Issuing", Status: "True", Reason: "ManuallyTriggered", ObservedGeneration: 3,
		Message: `Renewal was asked for by hand, with "certwright renew"`, LastTransitionTime: &at,
	}}
}

func TestRenew(t *testing.T) {
	b := newBench([]runtime.Object{certificate("ns", "web"), certificate("ns", "api"), certificate("other", "web")})
	b.expect(t, "renew web", exitOK, "certificate.cert-manager.io/web renewal asked for\n", "")
	if diff := cmp.Diff(asked(), b.conditions(t, "ns", "web")); diff != "" {
		t.Error(diff)
	}
	if len(b.conditions(t, "ns", "api"))+len(b.conditions(t, "other", "web")) > 0 {
		t.Error("others were renewed")
	}
	for _, a := range b.certs.Actions() {
		if a.GetVerb() == "update" && a.GetSubresource() != "status" {
			t.Error("the spec was written")
		}
	}
	// A second time changes nothing.
	b.certs.ClearActions()
	b.expect(t, "renew web", exitOK, "certificate.cert-manager.io/web is being issued already\n", "")
	if n := b.writes(); n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestRenewMany(t *testing.T) {
	objects := []runtime.Object{certificate("ns", "web"), certificate("ns", "api"), certificate("other", "web")}
	for line, want := range map[string]string{
		"renew --all":        "certificate.cert-manager.io/api renewal asked for\ncertificate.cert-manager.io/web renewal asked for\n",
		"renew -l app=web":   "certificate.cert-manager.io/web renewal asked for\n",
		"renew -A --all":     "certificate.cert-manager.io/api -n ns renewal asked for\ncertificate.cert-manager.io/web -n ns renewal asked for\ncertificate.cert-manager.io/web -n other renewal asked for\n",
		"renew api web":      "certificate.cert-manager.io/api renewal asked for\ncertificate.cert-manager.io/web renewal asked for\n",
		"renew web -n other": "certificate.cert-manager.io/web renewal asked for\n",
	} {
		newBench(objects).expect(t, line, exitOK, want, "")
	}
	newBench(objects).expect(t, "renew -l app=none", exitOK, "", "No such Certificates found in namespace ns.\n")
	newBench(objects).expect(t, "renew -A -l app=none", exitOK, "", "No such Certificates found.\n")
}

// One that does not exist keeps the others from nothing.
func TestRenewSomeMissing(t *testing.T) {
	b := newBench([]runtime.Object{certificate("ns", "website")})
	b.expect(t, "renew nothing websit website", exitFailure,
		"certificate.cert-manager.io/website renewal asked for\n",
		"Error: certificates.cert-manager.io \"nothing\" not found in namespace ns\n"+
			"       certificates.cert-manager.io \"websit\" not found in namespace ns; did you mean \"website\"?\n")
}

func TestRenewConflict(t *testing.T) {
	b := newBench([]runtime.Object{certificate("ns", "web")})
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "certificates"}, "web", errors.New("changed"))
	b.fail("update", "certificates", conflict, 2)
	b.expect(t, "renew web", exitOK, "certificate.cert-manager.io/web renewal asked for\n", "")
}

func TestRenewRefused(t *testing.T) {
	b := newBench([]runtime.Object{certificate("ns", "web")})
	b.fail("update", "certificates", forbidden("certificates"), 9)
	b.expect(t, "renew web", exitFailure, "", "Error: certificates.cert-manager.io is forbidden: not yours\n"+
		"       Ask for that right, or act as somebody who has it (--as, --context); `kubectl auth can-i --list` tells what you may do.\n")
	b.fail("list", "certificates", noSuchAPI("list"), 1)
	b.expect(t, "renew --all", exitFailure, "", "Error: the server could not find the requested resource (list certificates.cert-manager.io)\n"+
		"       The cluster does not serve the API of cert-manager.io; install its CustomResourceDefinitions: kubectl apply -k deploy/crds\n")
}
