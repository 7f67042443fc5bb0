package certificates

import (
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// blockedCheck is how often a name is looked at that somebody else has: no
	// event of that object is ours.
	blockedCheck = 30 * time.Second
	// goingCheck is for what the garbage collector is about to take away.
	goingCheck = 2 * time.Second
)

// blocked deals with a CertificateRequest that has the next one's name. One of
// this Certificate that lost its revision is made anew; one of a namesake that
// was deleted goes by itself; any other is somebody's, who is asked to give way.
func (o *Observed) blocked(due Finding, now time.Time) Step {
	cr, owner := o.Blocker, metav1.GetControllerOf(o.Blocker)
	switch {
	case owner != nil && owner.UID == o.Certificate.UID && cr.DeletionTimestamp == nil:
		return Discard{cr}
	case cr.DeletionTimestamp != nil, owner != nil && owner.Kind == cmapi.CertificateKind && owner.Name == o.Certificate.Name:
		return Rest{After: goingCheck}
	}
	next := o.status(o.verdict(now), now)
	c := cmapi.CertificateCondition{
		Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionFalse, Reason: reasonNameTaken,
		Message: fmt.Sprintf("CertificateRequest %q has the name that the next request of this Certificate is to have, and belongs to somebody else: delete it, or make a Certificate of another name", cr.Name),
	}
	if old := api.CertificateCondition(o.Certificate, c.Type); old != nil && old.Status == cmmeta.ConditionTrue {
		c.Status, c.Reason = old.Status, old.Reason // somebody's wish, which holds
	}
	api.SetCertificateCondition(next, c, metav1.NewTime(now.Truncate(time.Second)))
	if due.found() && o.fault.found() {
		api.SetCertificateCondition(next, cmapi.CertificateCondition{
			Type: cmapi.CertificateConditionReady, Status: cmmeta.ConditionFalse, Reason: o.fault.Reason, Message: o.fault.Message + ". " + c.Message,
		}, metav1.NewTime(now.Truncate(time.Second)))
	}
	if same(o.Certificate, next) {
		return Rest{After: blockedCheck}
	}
	return Settle{Certificate: next, Event: warning(reasonNameTaken, c.Message)}
}
