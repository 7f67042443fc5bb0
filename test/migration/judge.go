package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// fieldManager is the one manager of what is issued, whoever issues it.
const fieldManager = "cert-manager-certificates-issuing"

// faults are what is wrong with a take-over.
func (st state) faults(left state) (faults []error) {
	for _, said := range st.reissued(left) {
		faults = append(faults, errors.New("issued anew without need: "+said))
	}
	for name, is := range st.certificates {
		faults = append(faults, st.certificateFaults(name, is, left))
	}
	for name, is := range st.issuers {
		was, known := left.issuers[name]
		if known && !equality.Semantic.DeepEqual(was.Status.ACME, is.Status.ACME) {
			faults = append(faults, fmt.Errorf("the account in the status of Issuer %s changed: %+v, was %+v", name, is.Status.ACME, was.Status.ACME))
		}
		if known && !equality.Semantic.DeepEqual(unworded(was.Status.Conditions), unworded(is.Status.Conditions)) {
			faults = append(faults, fmt.Errorf("the conditions of Issuer %s changed: %+v, were %+v", name, is.Status.Conditions, was.Status.Conditions))
		}
	}
	if st.accounts != left.accounts {
		faults = append(faults, fmt.Errorf("ACME accounts were registered %d times; before it was %d", st.accounts, left.accounts))
	}
	for name, was := range left.orders {
		if is, there := st.orders[name]; was.Status.URL != "" && (!there || is.Status.URL != was.Status.URL) {
			faults = append(faults, fmt.Errorf("the Order %s is not continued: its URL was %s, is %q", name, was.Status.URL, is.Status.URL))
		}
	}
	if len(st.challenges)+len(st.solvers) > 0 {
		faults = append(faults, fmt.Errorf("%d Challenges are left, and %s", len(st.challenges), strings.Join(st.solvers, ", ")))
	}
	for name, secret := range st.secrets {
		if secret.Labels[cmapi.IsNextPrivateKeySecretLabelKey] == "true" && !strings.HasPrefix(name, "foreign-") {
			faults = append(faults, fmt.Errorf("the Secret %s with a next private key is left", name))
		}
	}
	return faults
}

// unworded are conditions without their messages: each has words of its own.
func unworded(all []cmapi.IssuerCondition) []cmapi.IssuerCondition {
	all = slices.Clone(all)
	for i := range all {
		all[i].Message = ""
	}
	return all
}

// unadvised is a status without what an ACME server advises: cert-manager does not
// ask by default when to renew, and certwright does.
func unadvised(status cmapi.CertificateStatus, asked bool) cmapi.CertificateStatus {
	if asked {
		status.ACME, status.RenewalTime = nil, nil
	}
	return status
}

// certificateFaults judges one Certificate. What was at rest is to be as it was,
// and what was halfway is to be finished at its first try.
func (st state) certificateFaults(name string, is cmapi.Certificate, left state) error {
	was := left.certificates[name]
	at := slices.Contains(left.issued(), name) && was.Status.NextPrivateKeySecretName == nil
	var faults []error
	byACME := strings.HasPrefix(is.Spec.IssuerRef.Name, "acme-")
	if at && name != "dressed" && !equality.Semantic.DeepEqual(unadvised(was.Status, byACME), unadvised(is.Status, byACME)) {
		faults = append(faults, fmt.Errorf("the status of %s changed:\n%+v\nwas\n%+v", name, is.Status, was.Status))
	}
	if name == "refused" || name == "foreign" {
		if !equality.Semantic.DeepEqual(was.Status.LastFailureTime, is.Status.LastFailureTime) || !equality.Semantic.DeepEqual(was.Status.FailedIssuanceAttempts, is.Status.FailedIssuanceAttempts) {
			faults = append(faults, fmt.Errorf("%s: the failure was forgotten or repeated: %+v, was %+v", name, is.Status, was.Status))
		}
		return errors.Join(faults...)
	}
	if is.Status.NextPrivateKeySecretName != nil {
		faults = append(faults, fmt.Errorf("%s still names a next private key", name))
	}
	secret := st.secrets[is.Spec.SecretName]
	for _, fields := range secret.ManagedFields {
		if fields.Manager != fieldManager {
			faults = append(faults, fmt.Errorf("fields of Secret %s are managed by %s (%s)", secret.Name, fields.Manager, fields.Operation))
		}
	}
	if before := left.secrets[is.Spec.SecretName]; at && name != "dressed" && before.ResourceVersion != secret.ResourceVersion {
		faults = append(faults, fmt.Errorf("the Secret %s was written: %s", secret.Name, difference(before, secret)))
	}
	return errors.Join(faults...)
}

// difference names what differs, without the values.
func difference(a, b corev1.Secret) string {
	var said []string
	for key := range b.Data {
		if !bytes.Equal(a.Data[key], b.Data[key]) {
			said = append(said, "data "+key)
		}
	}
	if !equality.Semantic.DeepEqual(a.Labels, b.Labels) {
		said = append(said, fmt.Sprintf("labels %v, were %v", b.Labels, a.Labels))
	}
	if !equality.Semantic.DeepEqual(a.Annotations, b.Annotations) {
		said = append(said, fmt.Sprintf("annotations %v, were %v", b.Annotations, a.Annotations))
	}
	if !equality.Semantic.DeepEqual(a.OwnerReferences, b.OwnerReferences) {
		said = append(said, "owners")
	}
	if len(said) == 0 {
		return "its managed fields alone"
	}
	return strings.Join(said, "; ")
}
