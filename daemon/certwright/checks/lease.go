package checks

import (
	"context"
	"fmt"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/daemon/certwright/page"
)

const startDaemon = "start the daemon, or look at its log; it writes this Lease unless it runs with --leader-elect=false"

// checkLease looks whether somebody says that he is at work.
func checkLease(ctx context.Context, api API, now time.Time) Finding {
	lease, err := api.Leases.Leases(api.Lease.Namespace).Get(ctx, api.Lease.Name, metav1.GetOptions{})
	where := fmt.Sprintf("Lease %s/%s", api.Lease.Namespace, api.Lease.Name)
	switch {
	case apierrors.IsNotFound(err):
		return Finding{Failed, "no daemon has ever been at work: there is no " + where, startDaemon + "; if it uses another, name that with --leader-election-namespace"}
	case apierrors.IsForbidden(err):
		return Finding{Note, "you may not read " + where + ", so whether a daemon is at work is not known", ""}
	case err != nil:
		return Finding{Failed, fmt.Sprintf("%s cannot be read: %v", where, err), "try again"}
	}
	return judgeLease(lease, where, now)
}

// judgeLease compares with our own clock; the lease duration leaves room for
// one that is some seconds off.
func judgeLease(lease *coordinationv1.Lease, where string, now time.Time) Finding {
	holder, renewed := lease.Spec.HolderIdentity, lease.Spec.RenewTime
	if holder == nil || *holder == "" || renewed == nil {
		return Finding{Failed, "no daemon is at work: nobody holds " + where, startDaemon}
	}
	lasts := time.Minute
	if s := lease.Spec.LeaseDurationSeconds; s != nil {
		lasts = time.Duration(*s) * time.Second
	}
	if renewed.Add(lasts).Before(now) {
		return Finding{Failed, fmt.Sprintf("no daemon is at work: %s, who holds %s, renewed it last %s", *holder, where, page.Relative(renewed.Time, now)), startDaemon}
	}
	if fromCertManager(*holder) {
		return Finding{Note, fmt.Sprintf("cert-manager is at work (%s holds %s); certwright waits for it to stop", *holder, where),
			"scale cert-manager's controller down, once certwright is to take over"}
	}
	return Finding{OK, fmt.Sprintf("a daemon is at work: %s, who renewed its Lease %s", *holder, page.Relative(renewed.Time, now)), ""}
}

// fromCertManager knows cert-manager's controller by the end of its identity.
func fromCertManager(holder string) bool {
	return strings.HasSuffix(holder, "-external-cert-manager-controller")
}
