package checks

import (
	"errors"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmfake "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"github.com/certwright/certwright/internal/pki"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type world struct {
	certs *cmfake.Clientset
	kube  *fake.Clientset
}

// sound is a cluster in which everything is as it should be.
func sound() world {
	w := world{cmfake.NewSimpleClientset(), fake.NewClientset(lease("pod-1", 10*time.Second))}
	w.kube.Resources = []*metav1.APIResourceList{
		{GroupVersion: "cert-manager.io/v1", APIResources: resources("certificates", "certificaterequests", "issuers", "clusterissuers")},
		{GroupVersion: "acme.cert-manager.io/v1", APIResources: resources("orders", "challenges")},
	}
	w.certs.PrependReactor("create", "certificates", func(a ktesting.Action) (bool, runtime.Object, error) {
		crt, _ := a.(ktesting.CreateAction).GetObject().(*cmapi.Certificate)
		if len(crt.Spec.DNSNames) == 0 {
			return true, nil, apierrors.NewInvalid(schema.GroupKind{Kind: "Certificate"}, "", nil)
		}
		return false, nil, nil
	})
	return w
}

func resources(names ...string) (list []metav1.APIResource) {
	for _, n := range names {
		list = append(list, metav1.APIResource{Name: n}, metav1.APIResource{Name: n + "/status"})
	}
	return list
}

func lease(holder string, age time.Duration) *coordinationv1.Lease {
	seconds, renewed := int32(60), metav1.NewMicroTime(now.Add(-age))
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "cert-manager-controller"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: &renewed},
	}
}

func (w world) run(t *testing.T) []Finding {
	t.Helper()
	return Run(t.Context(), API{
		Discovery: w.kube.Discovery(), Groups: w.kube.Discovery(), Certs: w.certs.CertmanagerV1(),
		Leases: w.kube.CoordinationV1(), Reviews: w.kube.AuthorizationV1(),
		Namespace: "ns", Lease: LeaseName{"kube-system", "cert-manager-controller"},
	}, now)
}

func (w world) refuse(verb, resource string, err error) {
	w.certs.PrependReactor(verb, resource, func(ktesting.Action) (bool, runtime.Object, error) { return true, nil, err })
	w.kube.PrependReactor(verb, resource, func(ktesting.Action) (bool, runtime.Object, error) { return true, nil, err })
}

// allow answers SelfSubjectAccessReviews.
func (w world) allow(yes bool) {
	w.kube.PrependReactor("create", "selfsubjectaccessreviews", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, &authorizationv1.SelfSubjectAccessReview{Status: authorizationv1.SubjectAccessReviewStatus{Allowed: yes}}, nil
	})
}

func forbidden() error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "x"}, "", errors.New("no"))
}

func TestSound(t *testing.T) {
	w := sound()
	for _, f := range w.run(t) {
		if f.Verdict != OK || f.Remedy != "" {
			t.Errorf("%+v", f)
		}
	}
	for _, a := range w.certs.Actions() {
		create, ok := a.(ktesting.CreateActionImpl)
		if !ok || len(create.CreateOptions.DryRun) != 1 || create.CreateOptions.DryRun[0] != "All" {
			t.Errorf("this is no dry run: %+v", a)
		}
	}
}

func TestFindings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(world)
		want   Finding // Text and Remedy by their beginnings
	}{
		"no server": {func(w world) { w.refuse("get", "version", errors.New("refused")) },
			Finding{Failed, "the API server does not answer: refused", "check that it runs"}},
		"no group": {func(w world) { w.kube.Resources = w.kube.Resources[:1] },
			Finding{Failed, "acme.cert-manager.io/v1 is not served", "install the Custom"}},
		"no resource": {func(w world) { w.kube.Resources[0].APIResources = w.kube.Resources[0].APIResources[2:] },
			Finding{Failed, "cert-manager.io/v1 is served without certificates, certificates/status", "install the Custom"}},
		"discovery fails": {func(w world) { w.refuse("get", "resource", errors.New("boom")) },
			Finding{Failed, "cert-manager.io/v1 cannot be looked up: boom", "look at the log"}},
		"no right to create": {func(w world) { w.refuse("create", "certificates", forbidden()); w.allow(false) },
			Finding{Note, "you may not create a Certificate in namespace ns", ""}},
		"refused by admission": {func(w world) { w.refuse("create", "certificates", forbidden()); w.allow(true) },
			Finding{Failed, "a Certificate cannot be created: x is forbidden: no", "look at the admission policies"}},
		"no namespace": {func(w world) {
			w.refuse("create", "certificaterequests", apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "ns"))
		}, Finding{Failed, `a CertificateRequest cannot be created: namespaces "ns" not found`, "choose a namespace"}},
		"no policies": {func(w world) {
			w.certs.PrependReactor("create", "certificates", func(ktesting.Action) (bool, runtime.Object, error) { return true, &cmapi.Certificate{}, nil })
		}, Finding{Note, "a faulty Certificate is accepted", "install the admission policies"}},
		"no answer to the faulty one": {func(w world) {
			asked := 0
			w.certs.PrependReactor("create", "certificates", func(ktesting.Action) (bool, runtime.Object, error) {
				asked++
				return asked > 1, nil, errors.New("boom")
			})
		}, Finding{Note, "whether a faulty Certificate is refused is not known: boom", ""}},
		"no Lease": {func(w world) { w.setLease(t, nil) },
			Finding{Failed, "no daemon has ever been at work: there is no Lease kube-system/cert-manager-controller", "start the daemon"}},
		"Lease not to be read": {func(w world) { w.refuse("get", "leases", forbidden()) },
			Finding{Note, "you may not read Lease kube-system/cert-manager-controller", ""}},
		"Lease fails": {func(w world) { w.refuse("get", "leases", errors.New("boom")) },
			Finding{Failed, "Lease kube-system/cert-manager-controller cannot be read: boom", "try again"}},
		"Lease let go": {func(w world) { w.setLease(t, lease("", 0)) },
			Finding{Failed, "no daemon is at work: nobody holds Lease", "start the daemon"}},
		"Lease old": {func(w world) { w.setLease(t, lease("pod-1", time.Hour)) },
			Finding{Failed, "no daemon is at work: pod-1, who holds Lease kube-system/cert-manager-controller, renewed it last 60m ago", "start the daemon"}},
		"cert-manager": {func(w world) { w.setLease(t, lease("pod-external-cert-manager-controller", 0)) },
			Finding{Note, "cert-manager is at work (pod-external-cert-manager-controller holds", "scale cert-manager"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := sound()
			c.change(w)
			findings := w.run(t)
			for _, f := range findings {
				if f.Verdict == c.want.Verdict && strings.HasPrefix(f.Text, c.want.Text) && strings.HasPrefix(f.Remedy, c.want.Remedy) {
					if Passed(findings) != (c.want.Verdict != Failed) {
						t.Errorf("passed: %v", Passed(findings))
					}
					return
				}
			}
			t.Errorf("got %+v, want %+v", findings, c.want)
		})
	}
}

func (w world) setLease(t *testing.T, l *coordinationv1.Lease) {
	t.Helper()
	leases := w.kube.CoordinationV1().Leases("kube-system")
	if err := leases.Delete(t.Context(), "cert-manager-controller", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if l == nil {
		return
	}
	if _, err := leases.Create(t.Context(), l, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// A failed ground is not followed by failures that only come from it.
func TestNoRehearsalWithoutAPI(t *testing.T) {
	w := sound()
	w.kube.Resources = nil
	w.run(t)
	if n := len(w.certs.Actions()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestRehearsedRequestIsSound(t *testing.T) {
	csr, err := certificateRequest()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pki.ParseRequest(csr); err != nil {
		t.Error(err)
	}
}
