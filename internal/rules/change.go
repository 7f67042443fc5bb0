package rules

import (
	"reflect"
	"strings"

	"github.com/certwright/certwright/internal/pki"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Change is one write to the API.
type Change struct {
	// Old is nil when the object is made. It has New's type.
	Old, New runtime.Object
	// Status is true for a write to the status, which leaves all else as it is.
	Status bool
	// User is who writes.
	User authenticationv1.UserInfo
	// MayApprove tells whether the user may approve for one of SignerNames.
	MayApprove func(signer string) bool
}

// Faults is what is wrong with the change. A spec that stays as it is is not
// looked at: an object older than a rule must still lose its finalizers.
// Anything but the kinds of our own groups has no faults.
func (c Change) Faults() field.ErrorList {
	if c.Status {
		return c.statusFaults()
	}
	switch now := c.New.(type) {
	case *cmapi.Certificate:
		if before, ok := c.Old.(*cmapi.Certificate); ok && same(before.Spec, now.Spec) {
			return nil
		}
		return pki.Validate(&now.Spec)
	case *cmapi.Issuer:
		if before, ok := c.Old.(*cmapi.Issuer); ok && same(before.Spec, now.Spec) {
			return nil
		}
		return Issuer(&now.Spec)
	case *cmapi.ClusterIssuer:
		if before, ok := c.Old.(*cmapi.ClusterIssuer); ok && same(before.Spec, now.Spec) {
			return nil
		}
		return Issuer(&now.Spec)
	case *cmapi.CertificateRequest:
		if before, ok := c.Old.(*cmapi.CertificateRequest); ok {
			return requestChange(before, now)
		}
		return newRequest(now, c.User)
	case *cmacme.Order:
		if before, ok := c.Old.(*cmacme.Order); ok {
			return sameSpec(&before.Spec, &now.Spec)
		}
	case *cmacme.Challenge:
		if before, ok := c.Old.(*cmacme.Challenge); ok {
			return sameSpec(&before.Spec, &now.Spec)
		}
	}
	return nil
}

func (c Change) statusFaults() field.ErrorList {
	before, ok := c.Old.(*cmapi.CertificateRequest)
	after, also := c.New.(*cmapi.CertificateRequest)
	if !ok || !also {
		return nil
	}
	return Approval(before, after, c.MayApprove)
}

func same(a, b any) bool { return equality.Semantic.DeepEqual(a, b) }

// sameSpec names each field in which a spec that is made once has changed.
func sameSpec[T any](before, after *T) (all field.ErrorList) {
	was, is := reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem()
	for i := range was.NumField() {
		name, _, _ := strings.Cut(was.Type().Field(i).Tag.Get("json"), ",")
		if !same(was.Field(i).Interface(), is.Field(i).Interface()) {
			all = append(all, field.Forbidden(field.NewPath("spec", name), madeOnce))
		}
	}
	return all
}
