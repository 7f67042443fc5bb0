package handlertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	k8stesting "k8s.io/client-go/testing"
	"k8s.io/utils/clock"
)

// object is what every stored type is.
type object interface {
	metav1.Object
	runtime.Object
}

var (
	secretsResource        = corev1.SchemeGroupVersion.WithResource("secrets")
	certificatesResource   = cmapi.SchemeGroupVersion.WithResource("certificates")
	requestsResource       = cmapi.SchemeGroupVersion.WithResource("certificaterequests")
	issuersResource        = cmapi.SchemeGroupVersion.WithResource("issuers")
	clusterIssuersResource = cmapi.SchemeGroupVersion.WithResource("clusterissuers")
	ordersResource         = cmacme.SchemeGroupVersion.WithResource("orders")
	challengesResource     = cmacme.SchemeGroupVersion.WithResource("challenges")
)

// server does what an API server does and a fake clientset's tracker leaves
// out: UIDs, creation times, generations, resourceVersions and the conflicts
// that follow from them, preconditions of deletions, the status subresource,
// whole seconds, and field management of Secrets.
type server struct {
	clock             clock.PassiveClock
	core, certManager k8stesting.ObjectTracker
	fields            *fields
	version, made     int
}

func (s *server) tracker(r schema.GroupVersionResource) k8stesting.ObjectTracker {
	if r == secretsResource {
		return s.core
	}
	return s.certManager
}

// get returns a copy of a stored object. Errors: NotFound.
func (s *server) get(r schema.GroupVersionResource, namespace, name string) (object, error) {
	o, err := s.tracker(r).Get(r, namespace, name)
	if err != nil {
		return nil, err
	}
	return o.(object), nil
}

// create stores a new object. One that comes with a UID is part of the world
// before the test begins, and is stored with its status and times as it is.
func (s *server) create(r schema.GroupVersionResource, o object, manager string) (object, error) {
	o, err := throughJSON(o, nil)
	if err != nil {
		return nil, err
	}
	if o.GetUID() == "" {
		if o, err = throughJSON(o, func(m map[string]any) { delete(m, "status") }); err != nil {
			return nil, err
		}
	}
	if err := s.admit(nil, o); err != nil {
		return nil, err
	}
	s.made++
	if o.GetUID() == "" {
		o.SetUID(types.UID(fmt.Sprintf("uid-%s-%s-%d", r.Resource, o.GetName(), s.made)))
	}
	if created := o.GetCreationTimestamp(); created.IsZero() {
		o.SetCreationTimestamp(metav1.NewTime(s.clock.Now().Truncate(time.Second)))
	}
	if o.GetGeneration() == 0 {
		o.SetGeneration(1)
	}
	if r == secretsResource && len(o.GetManagedFields()) == 0 {
		if o, err = s.fields.update(nil, o, manager); err != nil {
			return nil, err
		}
	}
	s.stamp(o)
	return o, s.tracker(r).Create(r, o, o.GetNamespace())
}

// update stores the status of o, or all but its status. Errors: NotFound,
// Conflict when o is not the state that is stored, Invalid.
func (s *server) update(r schema.GroupVersionResource, o object, subresource, manager string) (object, error) {
	old, err := s.get(r, o.GetNamespace(), o.GetName())
	if err != nil {
		return nil, err
	}
	if o.GetResourceVersion() == "" {
		return nil, apierrors.NewBadRequest("metadata.resourceVersion: must be specified for an update")
	}
	if o.GetUID() != old.GetUID() || o.GetResourceVersion() != old.GetResourceVersion() {
		return nil, apierrors.NewConflict(r.GroupResource(), o.GetName(), errors.New("the object has been modified"))
	}
	next, err := merge(old, o, subresource)
	if err != nil {
		return nil, err
	}
	if r == secretsResource {
		if next, err = s.fields.update(old, next, manager); err != nil {
			return nil, err
		}
	}
	return s.replace(r, old, next)
}

// apply is server-side apply, by force; only Secrets are applied.
func (s *server) apply(namespace, name string, patch []byte, manager string) (object, error) {
	old, err := s.get(secretsResource, namespace, name)
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, err
	}
	next, err2 := s.fields.apply(old, patch, manager)
	if err2 != nil {
		return nil, err2
	}
	if apierrors.IsNotFound(err) {
		return s.create(secretsResource, next, manager)
	}
	return s.replace(secretsResource, old, next)
}

// annotate is a merge patch of annotations, for the object with the UID in it.
func (s *server) annotate(r schema.GroupVersionResource, namespace, name string, patch []byte) (object, error) {
	var change struct {
		Metadata struct {
			UID         types.UID         `json:"uid"`
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	decoder := json.NewDecoder(bytes.NewReader(patch))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&change); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	old, err := s.get(r, namespace, name)
	if err != nil {
		return nil, err
	}
	if change.Metadata.UID != old.GetUID() {
		return nil, apierrors.NewConflict(r.GroupResource(), name, errors.New("the UID is another"))
	}
	next := old.DeepCopyObject().(object)
	notes := maps.Clone(next.GetAnnotations())
	if notes == nil {
		notes = map[string]string{}
	}
	maps.Copy(notes, change.Metadata.Annotations)
	next.SetAnnotations(notes)
	return s.replace(r, old, next)
}

// replace puts next in the place of old. A change of nothing changes nothing,
// the resourceVersion neither.
func (s *server) replace(r schema.GroupVersionResource, old, next object) (object, error) {
	next, err := throughJSON(next, nil)
	if err != nil {
		return nil, err
	}
	if err := s.admit(old, next); err != nil {
		return nil, err
	}
	if equality.Semantic.DeepEqual(withoutFields(old), withoutFields(next)) && sameFields(old, next) {
		return old, nil
	}
	s.stamp(next)
	if next.GetDeletionTimestamp() != nil && len(next.GetFinalizers()) == 0 { // nothing keeps it any more
		return next, s.tracker(r).Delete(r, next.GetNamespace(), next.GetName())
	}
	return next, s.tracker(r).Update(r, next, next.GetNamespace())
}

// remove deletes an object. Errors: NotFound, Conflict when it is not the one
// that the preconditions name.
func (s *server) remove(r schema.GroupVersionResource, namespace, name string, p *metav1.Preconditions) error {
	old, err := s.get(r, namespace, name)
	if err != nil {
		return err
	}
	if p != nil && p.UID != nil && *p.UID != old.GetUID() {
		return apierrors.NewConflict(r.GroupResource(), name, fmt.Errorf("precondition failed: UID is %s, not %s", old.GetUID(), *p.UID))
	}
	if p != nil && p.ResourceVersion != nil && *p.ResourceVersion != old.GetResourceVersion() {
		return apierrors.NewConflict(r.GroupResource(), name, errors.New("precondition failed: resourceVersion"))
	}
	if len(old.GetFinalizers()) > 0 {
		return s.leave(r, old)
	}
	return s.tracker(r).Delete(r, namespace, name)
}

// leave marks an object that its finalizers keep as deleted.
func (s *server) leave(r schema.GroupVersionResource, o object) error {
	if o.GetDeletionTimestamp() != nil {
		return nil
	}
	now := metav1.NewTime(s.clock.Now().Truncate(time.Second))
	o.SetDeletionTimestamp(&now)
	s.stamp(o)
	return s.tracker(r).Update(r, o, o.GetNamespace())
}

// admit refuses what the API server refuses of a Secret.
func (s *server) admit(old, next object) error {
	secret, ok := next.(*corev1.Secret)
	if !ok {
		return nil
	}
	if before, ok := old.(*corev1.Secret); ok && before.Type != secret.Type {
		return apierrors.NewBadRequest(fmt.Sprintf("Secret %q: type: field is immutable", secret.Name))
	}
	if secret.Type == corev1.SecretTypeTLS {
		for _, k := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
			if _, ok := secret.Data[k]; !ok {
				return apierrors.NewBadRequest(fmt.Sprintf("Secret %q: data[%s]: Required value", secret.Name, k))
			}
		}
	}
	return nil
}

func (s *server) stamp(o object) {
	s.version++
	o.SetResourceVersion(strconv.Itoa(s.version))
}

// merge takes from next what an update of old may change: the status by its
// subresource, all but the status otherwise. A changed spec is a new generation.
func merge(old, next object, subresource string) (object, error) {
	if subresource == "" {
		merged, err := throughJSON(next, func(m map[string]any) { copyKeys(m, asMap(old), "status") })
		if err != nil {
			return nil, err
		}
		merged.SetGeneration(old.GetGeneration())
		if !equality.Semantic.DeepEqual(asMap(old)["spec"], asMap(next)["spec"]) {
			merged.SetGeneration(old.GetGeneration() + 1)
		}
		return merged, nil
	}
	return throughJSON(old, func(m map[string]any) { copyKeys(m, asMap(next), subresource) })
}

func copyKeys(to, from map[string]any, keys ...string) {
	for _, k := range keys {
		delete(to, k)
		if v, ok := from[k]; ok {
			to[k] = v
		}
	}
}

// throughJSON is an object as it comes back from a server: times in whole
// seconds, empty lists gone, and edited on the way.
func throughJSON(o object, edit func(map[string]any)) (object, error) {
	m := asMap(o)
	if edit != nil {
		edit(m)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	next := zero(o)
	return next, json.Unmarshal(raw, next)
}

func asMap(o object) map[string]any {
	raw, err := json.Marshal(o)
	m := map[string]any{}
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		panic(fmt.Errorf("an API object that is no JSON: %w", err))
	}
	return m
}

// zero is a new object of the type of o.
func zero(o object) object {
	switch o.(type) {
	case *corev1.Secret:
		return &corev1.Secret{}
	case *cmapi.Certificate:
		return &cmapi.Certificate{}
	case *cmapi.CertificateRequest:
		return &cmapi.CertificateRequest{}
	case *cmapi.Issuer:
		return &cmapi.Issuer{}
	case *cmapi.ClusterIssuer:
		return &cmapi.ClusterIssuer{}
	case *cmacme.Order:
		return &cmacme.Order{}
	case *cmacme.Challenge:
		return &cmacme.Challenge{}
	}
	panic(fmt.Sprintf("handlertest knows no %T", o))
}
