package http01

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/certwright/certwright/handlers/challenges"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

const theirs = `
metadata: {name: mine, namespace: shop, uid: uid-mine, annotations: {a: b}}
spec:
  ingressClassName: nginx
  tls: [{hosts: [www.example.com], secretName: tls}]
  rules:
  - host: www.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
  - host: bare.example.com
  - http:
      paths:
      - {path: /.well-known/acme-challenge/token-web, pathType: Exact, backend: {service: {name: not-ours, port: {number: 80}}}}
`

func ingressOf(t *testing.T, text string) *networkingv1.Ingress {
	t.Helper()
	in := &networkingv1.Ingress{}
	if err := yaml.UnmarshalStrict([]byte(text), in); err != nil {
		t.Fatal(err)
	}
	return in
}

func editing(name, domain string) *cmacme.Challenge {
	return challenge(name, domain, byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{Name: "mine"}))
}

func (w *world) mine() *networkingv1.Ingress {
	w.t.Helper()
	in, err := w.kube.NetworkingV1().Ingresses("shop").Get(context.Background(), "mine", never)
	if err != nil {
		w.t.Fatal(err)
	}
	in.ResourceVersion, in.ManagedFields = "", nil
	return in
}

func TestAnIngressOfTheUsersIsEdited(t *testing.T) {
	for domain, want := range map[string]string{
		// The host has a rule with paths: ours goes before them.
		"www.example.com": `
  - host: www.example.com
    http:
      paths:
      - {path: /.well-known/acme-challenge/token-web, pathType: Exact, backend: {service: {name: cm-acme-http-solver, port: {number: 8089}}}}
      - {path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
  - host: bare.example.com
  - http:
      paths:
      - {path: /.well-known/acme-challenge/token-web, pathType: Exact, backend: {service: {name: not-ours, port: {number: 80}}}}
`,
		// It has a rule without paths, which stays as it is.
		"bare.example.com": `
  - host: www.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
  - host: bare.example.com
  - http:
      paths:
      - {path: /.well-known/acme-challenge/token-web, pathType: Exact, backend: {service: {name: not-ours, port: {number: 80}}}}
  - host: bare.example.com
    http:
      paths:
      - {path: /.well-known/acme-challenge/token-web, pathType: Exact, backend: {service: {name: cm-acme-http-solver, port: {number: 8089}}}}
`,
		// It has none.
		"new.example.com": `
  - host: www.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
  - host: bare.example.com
  - http:
      paths:
      - {path: /.well-known/acme-challenge/token-web, pathType: Exact, backend: {service: {name: not-ours, port: {number: 80}}}}
  - host: new.example.com
    http:
      paths:
      - {path: /.well-known/acme-challenge/token-web, pathType: Exact, backend: {service: {name: cm-acme-http-solver, port: {number: 8089}}}}
`,
	} {
		t.Run(domain, func(t *testing.T) {
			web, before := editing("web", domain), ingressOf(t, theirs)
			w := newWorld(t, defaults(), before.DeepCopy())
			w.at(web)
			w.present(web)
			w.wrote("create services shop/cm-acme-http-solver", "create endpointslices shop/cm-acme-http-solver", "update ingresses shop/mine")
			edited := ingressOf(t, "metadata: {name: mine, namespace: shop, uid: uid-mine, annotations: {a: b}}\nspec:\n  ingressClassName: nginx\n  tls: [{hosts: [www.example.com], secretName: tls}]\n  rules:"+want)
			if diff := cmp.Diff(edited, w.mine()); diff != "" {
				t.Errorf("edited (-want +got):\n%s", diff)
			}
			w.present(web)
			w.restart(defaults())
			w.present(web)
			w.wrote()
			w.restart(defaults())
			w.remove(web)
			w.wrote("update ingresses shop/mine", "delete services shop/cm-acme-http-solver")
			if diff := cmp.Diff(before, w.mine()); diff != "" {
				t.Errorf("it is not what it was (-want +got):\n%s", diff)
			}
			w.remove(web)
			w.wrote()
		})
	}
}

// The path is there already, and leads elsewhere: nobody's path is taken over.
func TestAPathOfTheUsersStays(t *testing.T) {
	web := editing("web", "192.0.2.7") // whose rule is the one without a host
	w := newWorld(t, defaults(), ingressOf(t, theirs))
	w.at(web)
	w.fails(w.solver.Present(t.Context(), challenges.Task{Challenge: web}), "Ingress shop/mine leads /.well-known/acme-challenge/token-web elsewhere already")
	w.remove(web)
	if diff := cmp.Diff(ingressOf(t, theirs), w.mine()); diff != "" {
		t.Error(diff)
	}
}

// Several at once on one Ingress, while its controller writes to it, too.
func TestSeveralEditOneIngress(t *testing.T) {
	w := newWorld(t, defaults(), ingressOf(t, theirs))
	var all []*cmacme.Challenge
	for i := range 20 {
		all = append(all, editing(fmt.Sprint("many-", i), fmt.Sprintf("%d.example.com", i%7)))
	}
	w.at(all...)
	conflicts := 0
	w.fault = func(write string) error {
		if write == "update ingresses shop/mine" {
			if conflicts++; conflicts%3 == 0 {
				return apierrors.NewConflict(schema.GroupResource{Resource: "ingresses"}, "mine", errors.New("changed"))
			}
		}
		return nil
	}
	each := func(do func(context.Context, challenges.Task) error) {
		var done sync.WaitGroup
		for _, ch := range all {
			done.Go(func() {
				if err := do(context.Background(), challenges.Task{Challenge: ch}); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
	}
	each(w.solver.Present)
	paths := map[string]int{}
	for _, rule := range w.mine().Spec.Rules {
		if rule.HTTP != nil {
			for _, p := range rule.HTTP.Paths {
				paths[rule.Host+p.Path]++
			}
		}
	}
	for _, ch := range all {
		if n := paths[ch.Spec.DNSName+"/.well-known/acme-challenge/"+ch.Spec.Token]; n != 1 {
			t.Errorf("%s: %d paths", ch.Name, n)
		}
	}
	each(w.solver.Remove)
	if diff := cmp.Diff(ingressOf(t, theirs), w.mine()); diff != "" {
		t.Errorf("it is not what it was (-want +got):\n%s", diff)
	}
}

func TestAnEditThatNeverFits(t *testing.T) {
	web := editing("web", "www.example.com")
	w := newWorld(t, defaults(), ingressOf(t, theirs))
	w.at(web)
	w.fault = func(write string) error {
		if write == "update ingresses shop/mine" {
			return apierrors.NewConflict(schema.GroupResource{Resource: "ingresses"}, "mine", errors.New("changed"))
		}
		return nil
	}
	if err := w.solver.Present(t.Context(), challenges.Task{Challenge: web}); !apierrors.IsConflict(err) {
		t.Errorf("got %v", err)
	}
}

// What is gone needs no removal; what would be left empty is told.
func TestAnEditedIngressThatIsGone(t *testing.T) {
	web := editing("web", "www.example.com")
	w := newWorld(t, defaults(), ingressOf(t, theirs))
	w.at(web)
	w.present(web)
	in := w.mine()
	in.Spec.Rules = in.Spec.Rules[:1]
	in.Spec.Rules[0].HTTP.Paths = in.Spec.Rules[0].HTTP.Paths[:1]
	if _, err := w.kube.NetworkingV1().Ingresses("shop").Update(t.Context(), in, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.fails(w.solver.Remove(t.Context(), challenges.Task{Challenge: web}), "Ingress shop/mine has nothing left but the path of this challenge", "delete it")
	if err := w.kube.NetworkingV1().Ingresses("shop").Delete(t.Context(), "mine", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.remove(web)
	w.empty()
}

func FuzzPaths(f *testing.F) {
	f.Add("www.example.com", "token", theirs)
	f.Add("", "token-web", theirs)
	f.Fuzz(func(t *testing.T, host, token, text string) {
		in := &networkingv1.Ingress{}
		if yaml.Unmarshal([]byte(text), in) != nil {
			return
		}
		path := pathTo(token, backend{prefix, 8089})
		before := in.DeepCopy()
		removePath(before, path.Path) // what looks like ours is ours
		in = before.DeepCopy()
		if addPath(in, host, path) != nil {
			return
		}
		removePath(in, path.Path)
		if len(in.Spec.Rules) == 0 && len(before.Spec.Rules) == 0 {
			return
		}
		for _, rule := range before.Spec.Rules {
			if rule.HTTP != nil && len(rule.HTTP.Paths) == 0 {
				return // which the API does not allow
			}
		}
		if diff := cmp.Diff(before, in); diff != "" {
			t.Error(diff)
		}
	})
}
