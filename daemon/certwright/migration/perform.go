package migration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Mover carries out steps.
type Mover struct {
	Reader
	Now func() time.Time
	// Patience bounds the wait for pods to end or begin, and for the Lease.
	Patience time.Duration
	// Said is told what is waited for, when that changes.
	Said func(string)
}

// glance is the pause between two looks at the cluster.
const glance = time.Second

// Do carries out a step of steps(cluster), and waits until it is done. Errors
// name the step; run again, it goes on.
func (m Mover) Do(ctx context.Context, c Cluster, s Step, steps func(Cluster) []Step) error {
	if err := m.act(ctx, c, s.act); err != nil {
		return fmt.Errorf("step %s: %w", s.Name, err)
	}
	over := time.NewTimer(m.Patience)
	defer over.Stop()
	for {
		c, err := m.Read(ctx, m.Now())
		if err != nil {
			return fmt.Errorf("step %s: %w", s.Name, err)
		}
		if done(steps(c), s.Name) {
			return nil
		}
		m.Said(waitsFor(c, s))
		select {
		case <-ctx.Done():
			return fmt.Errorf("step %s was cut off: %w", s.Name, context.Cause(ctx))
		case <-over.C:
			return fmt.Errorf("step %s is not done after %s: %s; look at that, and run this again: it goes on from here", s.Name, m.Patience, waitsFor(c, s))
		case <-time.After(glance):
		}
	}
}

// done looks a step up; one that is gone from the list has nothing left to do.
func done(steps []Step, name string) bool {
	for _, s := range steps {
		if s.Name == name {
			return s.Done
		}
	}
	return true
}

// waitsFor says what a step that was carried out is not done for.
func waitsFor(c Cluster, s Step) string {
	for _, w := range c.the(s.act.role) {
		switch {
		case s.act.kind == scaleDown && !w.off():
			return fmt.Sprintf("%d pod(s) of %s %s/%s are still there", w.Running, w.Kind, w.Namespace, w.Name)
		case s.act.kind == scaleUp && !w.ready():
			return fmt.Sprintf("%d of %d pod(s) of %s %s/%s are ready", w.Ready, w.Wanted, w.Kind, w.Namespace, w.Name)
		}
	}
	if s.act.waitLease != nil && !s.act.waitLease(c.Lease) {
		return fmt.Sprintf("Lease %s/%s is held by %s", c.Lease.Namespace, c.Lease.Name, orElse(c.Lease.Holder, "nobody"))
	}
	return "the cluster does not show the change yet"
}

func (m Mover) act(ctx context.Context, c Cluster, a act) error {
	switch a.kind {
	case keep:
		return m.keep(ctx, c)
	case scaleDown:
		return m.scale(ctx, c, a.role, func(Workload) int32 { return 0 })
	case scaleUp:
		return m.scale(ctx, c, a.role, func(w Workload) int32 { return max(w.Wanted, c.Saved.replicas(w)) })
	case unhook:
		return m.unhook(ctx, c)
	case rehook:
		return m.rehook(ctx, c)
	case plain:
		return m.plain(ctx, c)
	case forget:
		return gone(m.Kube.CoreV1().ConfigMaps(c.Namespace).Delete(ctx, SavedName, metav1.DeleteOptions{}))
	}
	return nil
}

// keep never overwrites: what is there is from before the first change.
func (m Mover) keep(ctx context.Context, c Cluster) error {
	object, err := save(c).configMap(c.Namespace)
	if err != nil {
		return err
	}
	_, err = m.Kube.CoreV1().ConfigMaps(c.Namespace).Create(ctx, object, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func (m Mover) scale(ctx context.Context, c Cluster, role Role, to func(Workload) int32) error {
	var faults []error
	for _, w := range c.the(role) {
		if w.Kind == daemonSet || w.Wanted == to(w) {
			continue
		}
		_, err := m.Kube.AppsV1().Deployments(w.Namespace).UpdateScale(ctx, w.Name, &autoscalingv1.Scale{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: w.Name}, Spec: autoscalingv1.ScaleSpec{Replicas: to(w)},
		}, metav1.UpdateOptions{})
		if err != nil {
			faults = append(faults, fmt.Errorf("scale deployment %s/%s to %d: %w", w.Namespace, w.Name, to(w), err))
		}
	}
	return errors.Join(faults...)
}

// errNotKept keeps configurations from being lost for the way back.
var errNotKept = errors.New("is not kept in the ConfigMap, as it came after the first step; delete it by hand, or delete the ConfigMap and run this again")

func (m Mover) unhook(ctx context.Context, c Cluster) error {
	kept := map[string]bool{}
	if c.Saved != nil {
		for _, k := range c.Saved.Configurations {
			kept[k.Kind+k.Name] = true
		}
	}
	for _, w := range c.Configurations {
		if !kept[w.Kind+w.Name] {
			return fmt.Errorf("%s %s %w", w.Kind, w.Name, errNotKept)
		}
		var err error
		if hooks := m.Kube.AdmissionregistrationV1(); w.Kind == kindMutating {
			err = hooks.MutatingWebhookConfigurations().Delete(ctx, w.Name, metav1.DeleteOptions{})
		} else {
			err = hooks.ValidatingWebhookConfigurations().Delete(ctx, w.Name, metav1.DeleteOptions{})
		}
		if err := gone(err); err != nil {
			return fmt.Errorf("delete %s %s: %w", w.Kind, w.Name, err)
		}
	}
	return nil
}

func gone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (m Mover) rehook(ctx context.Context, c Cluster) error {
	for _, w := range c.lacking() {
		if err := m.create(ctx, w); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create %s %s: %w", w.Kind, w.Name, err)
		}
	}
	return nil
}

func (m Mover) create(ctx context.Context, w Configuration) error {
	hooks := m.Kube.AdmissionregistrationV1()
	if w.Kind == kindMutating {
		var object admissionv1.MutatingWebhookConfiguration
		if err := json.Unmarshal(w.Raw, &object); err != nil {
			return err
		}
		_, err := hooks.MutatingWebhookConfigurations().Create(ctx, &object, metav1.CreateOptions{})
		return err
	}
	var object admissionv1.ValidatingWebhookConfiguration
	if err := json.Unmarshal(w.Raw, &object); err != nil {
		return err
	}
	_, err := hooks.ValidatingWebhookConfigurations().Create(ctx, &object, metav1.CreateOptions{})
	return err
}

func (m Mover) plain(ctx context.Context, c Cluster) error {
	for _, d := range c.Definitions {
		if !d.Converts {
			continue
		}
		_, err := m.Dynamic.Resource(definitionsOf).Patch(ctx, d.Name, types.MergePatchType, []byte(plainPatch), metav1.PatchOptions{FieldManager: "certwright-migrate"})
		if err != nil {
			return fmt.Errorf("patch CustomResourceDefinition %s: %w", d.Name, err)
		}
	}
	return nil
}
