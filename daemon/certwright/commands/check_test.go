package commands

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ktesting "k8s.io/client-go/testing"
)

// serveGroups makes the fake API server serve the groups, and keep nothing of a
// dry run.
func (b *bench) serveGroups() {
	b.certs.PrependReactor("create", "*", func(a ktesting.Action) (bool, runtime.Object, error) {
		return true, a.(ktesting.CreateAction).GetObject(), nil
	})
	b.kube.Resources = []*metav1.APIResourceList{
		{GroupVersion: "cert-manager.io/v1", APIResources: resources("certificates", "certificaterequests", "issuers", "clusterissuers")},
		{GroupVersion: "acme.cert-manager.io/v1", APIResources: resources("orders", "challenges")},
	}
}

func resources(names ...string) (list []metav1.APIResource) {
	for _, n := range names {
		list = append(list, metav1.APIResource{Name: n}, metav1.APIResource{Name: n + "/status"})
	}
	return list
}

func lease() *coordinationv1.Lease {
	holder, seconds := "pod-1", int32(60)
	renewed := metav1.NewMicroTime(now.Add(-7 * time.Second))
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "cert-manager-controller"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: &renewed},
	}
}

func TestCheckAPI(t *testing.T) {
	b := newBench(nil, lease())
	b.serveGroups()
	b.expect(t, "check api", exitOK, `Checks
  ok           the API server answers, Kubernetes v0.0.0-master+$Format:%H$
  ok           cert-manager.io/v1 is served
  ok           acme.cert-manager.io/v1 is served
  ok           a Certificate can be created in namespace ns
  note         a faulty Certificate is accepted, so that its faults show only in its conditions
               -> install the admission policies: kubectl apply -k deploy/policies
  ok           a CertificateRequest can be created in namespace ns
  ok           a daemon is at work: pod-1, who renewed its Lease 7s ago
`, "")
	if code := b.run(t, "check api -o json"); code != exitOK || !strings.Contains(b.out.String(), `"passed": true`) {
		t.Error(code, b.out.String())
	}
}

func TestCheckAPIFails(t *testing.T) {
	b := newBench(nil)
	b.expect(t, "check api", exitFailure, `Checks
  ok           the API server answers, Kubernetes v0.0.0-master+$Format:%H$
  failed       cert-manager.io/v1 is not served
               -> install the CustomResourceDefinitions: kubectl apply -k deploy/crds
  failed       acme.cert-manager.io/v1 is not served
               -> install the CustomResourceDefinitions: kubectl apply -k deploy/crds
  failed       no daemon has ever been at work: there is no Lease kube-system/cert-manager-controller
               -> start the daemon, or look at its log; it writes this Lease unless it runs with --leader-elect=false; if it uses another, name that with --leader-election-namespace
`, "Error: certwright cannot be used yet; what is marked as failed says what to do\n")
	b.serveGroups()
	if code := b.run(t, "check api --leader-elect=false"); code != exitOK || strings.Contains(b.out.String(), "Lease") {
		t.Error(code, b.out.String())
	}
}

func TestCheckAPIWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, begun := newBench(nil, lease()), time.Now()
		b.now = func() time.Time {
			if time.Since(begun) >= time.Minute {
				b.serveGroups()
			}
			return now
		}
		if code := b.run(t, "check api --wait 2m"); code != exitOK || b.err.String() != "Waiting: cert-manager.io/v1 is not served\n" {
			t.Error(code, b.err.String())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		if code := newBench(nil).run(t, "check api --wait 2m"); code != exitFailure || time.Since(begun) != 2*time.Minute {
			t.Error(code, time.Since(begun))
		}
	})
}
