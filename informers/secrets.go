package informers

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"golang.org/x/sync/singleflight"
)

var secretResource = corev1.SchemeGroupVersion.WithResource("secrets")

// secrets answers for every Secret of the namespaces served, though it holds
// only our own in full: of the others it knows that they exist, and reads one
// by name when it is asked for, once for each resourceVersion.
type secrets struct {
	own     *store[*corev1.Secret]
	foreign *store[*metav1.PartialObjectMetadata]
	client  kubernetes.Interface

	reads singleflight.Group // a thousand requests that need one CA read it once
	mu    sync.Mutex
	read  map[string]*corev1.Secret // foreign Secrets read so far, by namespace/name
}

// get returns a Secret, shared: copy it before changing it. Errors: NotFound
// when it does not exist, else what the API server answered.
func (s *secrets) get(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	if own, ok := s.own.get(namespace, name); ok {
		return own, nil
	}
	known, ok := s.foreign.get(namespace, name)
	if !ok {
		s.forget(cacheKey(namespace, name))
		return nil, apierrors.NewNotFound(secretResource.GroupResource(), name)
	}
	if memo := s.remembered(cacheKey(namespace, name), known.ResourceVersion); memo != nil {
		return memo, nil
	}
	return s.readOnce(ctx, namespace, name, known.ResourceVersion)
}

// known returns a Secret, shared, if that takes no read of it; else nil.
func (s *secrets) known(namespace, name string) *corev1.Secret {
	if own, ok := s.own.get(namespace, name); ok {
		return own
	}
	seen, ok := s.foreign.get(namespace, name)
	if !ok {
		return nil
	}
	return s.remembered(cacheKey(namespace, name), seen.ResourceVersion)
}

// readOnce reads a foreign Secret and remembers it. Readers share a read only
// when they want the same version: one that began before the change that woke
// a reader would give it the state before, and no other event would follow.
func (s *secrets) readOnce(ctx context.Context, namespace, name, version string) (*corev1.Secret, error) {
	k := cacheKey(namespace, name)
	got, err, _ := s.reads.Do(k+"@"+version, func() (any, error) {
		secret, err := s.live(ctx, namespace, name)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.read[k] = secret
		return secret, nil
	})
	if err != nil {
		return nil, err
	}
	return got.(*corev1.Secret), nil
}

// live reads a Secret from the API server, past every cache.
func (s *secrets) live(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret, err := s.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return trimmedSecret(secret.DeepCopy()), nil
}

func (s *secrets) remembered(k, resourceVersion string) *corev1.Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	memo := s.read[k]
	if memo == nil || resourceVersion == "" || memo.ResourceVersion != resourceVersion {
		return nil
	}
	return memo
}

func (s *secrets) forget(k string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.read, k)
}

// forgetDeleted keeps no private key of a Secret that is gone or became ours.
func (s *secrets) forgetDeleted() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{DeleteFunc: func(obj any) {
		if k, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
			s.forget(k)
		}
	}}
}
