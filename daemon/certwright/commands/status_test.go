package commands

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

func TestStatus(t *testing.T) {
	objects := []runtime.Object{certificate("ns", "web"), certificate("other", "api")}
	newBench(objects).expect(t, "status", exitOK,
		"NAME   READY   SECRET    ISSUER      EXPIRES   RENEWS   WAITING FOR\n"+
			"web    False   web-tls   Issuer/ca   -         -        Issuer/ca to exist\n", "")
	newBench(objects).expect(t, "status -A", exitOK,
		"NAMESPACE   NAME   READY   SECRET    ISSUER      EXPIRES   RENEWS   WAITING FOR\n"+
			"ns          web    False   web-tls   Issuer/ca   -         -        Issuer/ca to exist\n"+
			"other       api    False   api-tls   Issuer/ca   -         -        Issuer/ca to exist\n", "")
	newBench(nil).expect(t, "status", exitOK, "", "No Certificates found in namespace ns.\n")
	newBench(nil).expect(t, "status -A", exitOK, "", "No Certificates found.\n")
	newBench(nil).expect(t, "status -o yaml", exitOK, "certificates: []\n", "")
}

func TestStatusAsData(t *testing.T) {
	type shown struct {
		Certificates []struct{ Name, WaitingFor string }
	}
	objects := []runtime.Object{certificate("ns", "web")}
	for format, decode := range map[string]func([]byte, any) error{
		"json": json.Unmarshal,
		"yaml": func(data []byte, v any) error { return yaml.Unmarshal(data, v) },
	} {
		b := newBench(objects)
		b.run(t, "status -o "+format)
		var got shown
		if err := decode(b.out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Certificates) != 1 || got.Certificates[0].Name != "web" || got.Certificates[0].WaitingFor != "Issuer/ca to exist" {
			t.Errorf("%s: %+v", format, got)
		}
	}
}

func TestStatusRefused(t *testing.T) {
	b := newBench(nil)
	b.fail("list", "certificates", noSuchAPI("list"), 1)
	b.expect(t, "status", exitFailure, "", "Error: the server could not find the requested resource (list certificates.cert-manager.io)\n"+
		"       The cluster does not serve the API of cert-manager.io; install its CustomResourceDefinitions: kubectl apply -k deploy/crds\n")
}

func TestStatusWithoutRequests(t *testing.T) {
	b := newBench([]runtime.Object{certificate("ns", "web")})
	b.fail("list", "certificaterequests", forbidden("certificaterequests"), 1)
	if code := b.run(t, "status"); code != exitOK || b.err.String() != "You may not read CertificateRequests; what follows is told without them.\n" {
		t.Error(code, b.err.String())
	}
}

func TestStatusCertificate(t *testing.T) {
	b := newBench([]runtime.Object{certificate("ns", "web")})
	for _, line := range []string{"status certificate web", "status cert web -n ns"} {
		if code := b.run(t, line); code != 0 || !strings.HasPrefix(b.out.String(), "Certificate ns/web\n  Waits for    Issuer/ca to exist\n") {
			t.Errorf("%s: %d\n%s%s", line, code, b.out.String(), b.err.String())
		}
	}
	b.expect(t, "status certificate wbe", exitFailure, "", "Error: certificates.cert-manager.io \"wbe\" not found in namespace ns; did you mean \"web\"?\n")
	if code := b.run(t, "status certificate web -o json"); code != 0 || !strings.Contains(b.out.String(), `"waitingFor": "Issuer/ca to exist"`) {
		t.Errorf("%d\n%s", code, b.out.String())
	}
}
