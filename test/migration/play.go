package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// finished is how many Certificates manifests/finished.yaml comes to, the
// Ingresses' two among them.
const finished = 12

// batch is how many Certificates of a CA are being issued when the reference is
// killed; they are named crowd-N.
const batch = 20

func (s *scene) play(ctx context.Context, keep bool) error {
	if err := s.install(ctx); err != nil {
		return err
	}
	node := &kubelet{scene: s, running: map[string]bool{}}
	following, leave := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); node.run(following) }()
	defer func() { leave(); <-ended }()
	return errors.Join(s.scenes(ctx, keep), node.err())
}

func (s *scene) scenes(ctx context.Context, keep bool) error {
	if err := s.before(ctx); err != nil {
		return err
	}
	left, err := s.take(ctx)
	if err != nil {
		return err
	}
	if err := s.foresee(ctx, left); err != nil {
		return err
	}
	s.progress.Line("cert-manager is gone; it left %d Certificates issued and %d halfway, %d Orders, %d Challenges", len(left.issued()), len(left.halfway()), len(left.orders), len(left.challenges))
	if keep {
		s.progress.Line("export KUBECONFIG=%s", s.stage.Cluster.Kubeconfig())
		<-ctx.Done()
		return nil
	}
	taken, err := s.takeOver(ctx, left)
	if err != nil {
		return err
	}
	return s.giveBack(ctx, left, taken)
}

// before has the reference issue, and kills it in the midst of more.
func (s *scene) before(ctx context.Context) error {
	began := time.Now()
	for _, name := range []string{"finished.yaml", "stuck.yaml"} {
		if err := s.apply(ctx, name); err != nil {
			return err
		}
	}
	if err := s.untilReady(ctx, finished); err != nil {
		return fmt.Errorf("cert-manager did not issue: %w", err)
	}
	if err := s.renew(ctx, "every-name", "plain-rsa"); err != nil {
		return err
	}
	if _, err := s.Certificates().Until(ctx, namespace, "refused", failedOnce); err != nil {
		return err
	}
	s.progress.Line("cert-manager issued %d Certificates in %s", finished, harness.Elapsed(time.Since(began)))
	if err := s.apply(ctx, "halfway.yaml"); err != nil {
		return err
	}
	if _, err := s.Challenges().UntilAll(ctx, namespace, presented(3)); err != nil {
		return fmt.Errorf("cert-manager did not come halfway: %w", err)
	}
	if err := s.crowd(ctx); err != nil {
		return err
	}
	// Its webhook cannot be reached any more, and the hand-over is cut off once.
	if err := s.hook(ctx); err != nil {
		return err
	}
	if err := s.cutOff(ctx, "Remove cert-manager's webhook configurations", "run", "--yes"); err != nil {
		return err
	}
	return s.untilStopped(ctx)
}

// untilStopped waits until the reference is gone.
func (s *scene) untilStopped(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err := s.Leases().Until(ctx, "kube-system", "cert-manager-controller", func(l *coordinationv1.Lease) bool {
		return l.Spec.HolderIdentity == nil || *l.Spec.HolderIdentity == ""
	})
	if err != nil {
		return fmt.Errorf("cert-manager was not stopped: %w", err)
	}
	return nil
}

// crowd creates many Certificates at once and returns when some are issued.
func (s *scene) crowd(ctx context.Context) error {
	for i := range batch {
		crt := &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("crowd-%d", i)}}
		crt.Spec.SecretName, crt.Spec.DNSNames = crt.Name, []string{crt.Name + ".example.com"}
		crt.Spec.IssuerRef.Name = "ca"
		crt.Spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm}
		if i%4 == 1 {
			crt.Spec.IssuerRef.Name = "selfsigned"
		}
		if _, err := s.CertManager.CertmanagerV1().Certificates(namespace).Create(ctx, crt, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return s.untilReady(ctx, finished+batch/4)
}

// renew asks for renewals as cmctl does, and waits for them.
func (s *scene) renew(ctx context.Context, names ...string) error {
	for _, name := range names {
		crts := s.CertManager.CertmanagerV1().Certificates(namespace)
		crt, err := crts.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now := metav1.Now()
		crt.Status.Conditions = append(crt.Status.Conditions, cmapi.CertificateCondition{
			Type: cmapi.CertificateConditionIssuing, Status: "True", Reason: "ManuallyTriggered",
			Message: "Certificate re-issuance manually triggered", LastTransitionTime: &now, ObservedGeneration: crt.Generation})
		if _, err := crts.UpdateStatus(ctx, crt, metav1.UpdateOptions{}); err != nil {
			return err
		}
		if _, err := s.Certificates().Until(ctx, namespace, name, harness.ReadyAt(harness.Revision(crt)+1)); err != nil {
			return err
		}
	}
	return nil
}

// untilReady waits until n Certificates are.
func (s *scene) untilReady(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	_, err := s.Certificates().UntilAll(ctx, namespace, func(all []*cmapi.Certificate) bool {
		ready := 0
		for _, crt := range all {
			if harness.Ready(crt) {
				ready++
			}
		}
		return ready >= n
	})
	return err
}

func failedOnce(crt *cmapi.Certificate) bool { return crt.Status.LastFailureTime != nil }

func presented(n int) func([]*cmacme.Challenge) bool {
	return func(all []*cmacme.Challenge) bool {
		at := 0
		for _, c := range all {
			if c.Status.Presented {
				at++
			}
		}
		return at >= n-1 // wildcard and apex take turns
	}
}

// takeOver has certwright go on, and judges what it made of it.
func (s *scene) takeOver(ctx context.Context, left state) (state, error) {
	began := time.Now()
	if _, err := s.migrate(ctx, "run", "--yes"); err != nil {
		return state{}, err
	}
	// What half-issuer waited for.
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Name: "comes-later"}, Spec: cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}}}}
	if _, err := s.CertManager.CertmanagerV1().Issuers(namespace).Create(ctx, issuer, metav1.CreateOptions{}); err != nil {
		return state{}, err
	}
	if err := s.untilReady(ctx, len(left.certificates)-stuck); err != nil {
		return state{}, fmt.Errorf("certwright did not finish what was halfway: %w", err)
	}
	if err := s.untilQuiet(ctx); err != nil {
		return state{}, err
	}
	s.progress.Line("certwright finished the rest in %s", harness.Elapsed(time.Since(began)))
	if err := s.tells(ctx); err != nil {
		return state{}, err
	}
	taken, err := s.take(ctx)
	if err != nil {
		return state{}, err
	}
	return taken, errors.Join(taken.faults(left)...)
}

// stuck are those that nobody can issue: manifests/stuck.yaml.
const stuck = 2

// tells has a template lose a label, which must leave the Secret although
// cert-manager had put it there.
func (s *scene) tells(ctx context.Context) error {
	crts := s.CertManager.CertmanagerV1().Certificates(namespace)
	crt, err := crts.Get(ctx, "dressed", metav1.GetOptions{})
	if err != nil {
		return err
	}
	delete(crt.Spec.SecretTemplate.Labels, "goes")
	delete(crt.Spec.SecretTemplate.Annotations, "goes")
	if _, err := crts.Update(ctx, crt, metav1.UpdateOptions{}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err = s.Secrets().Until(ctx, namespace, "dressed-tls", func(secret *corev1.Secret) bool {
		return secret.Labels["goes"] == "" && secret.Annotations["goes"] == "" && secret.Labels["stays"] == "here" && secret.Annotations["stays"] == "here"
	})
	if err != nil {
		return fmt.Errorf("a label that the template lost stays on the Secret: %w", err)
	}
	_, err = s.Certificates().Until(ctx, namespace, "dressed", harness.Ready)
	return err
}

// giveBack has cert-manager go on with what certwright leaves.
func (s *scene) giveBack(ctx context.Context, left, taken state) error {
	if _, err := s.migrate(ctx, "back", "--yes"); err != nil {
		return err
	}
	if err := s.unhook(ctx); err != nil {
		return fmt.Errorf("the webhook configuration was not put back: %w", err)
	}
	// It is back at work once it has made something new.
	crt := &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Name: "afterwards"}}
	crt.Spec.SecretName, crt.Spec.DNSNames, crt.Spec.IssuerRef.Name = crt.Name, []string{"afterwards.example.com"}, "ca"
	if _, err := s.CertManager.CertmanagerV1().Certificates(namespace).Create(ctx, crt, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := s.Certificates().Until(ctx, namespace, crt.Name, harness.Ready); err != nil {
		return fmt.Errorf("cert-manager did not go on: %w", err)
	}
	if err := s.untilQuiet(ctx); err != nil {
		return err
	}
	back, err := s.take(ctx)
	if err != nil {
		return err
	}
	again, reissued := back.reissued(taken), taken.reissued(left)
	s.progress.Line("certificates %d reissued %d finished %d back-reissued %d", len(left.certificates), len(reissued), len(taken.issued())-len(left.issued()), len(again))
	if len(again) > 0 {
		return fmt.Errorf("cert-manager issued anew what certwright had made: %s", strings.Join(again, "; "))
	}
	return nil
}
