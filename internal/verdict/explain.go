package verdict

import (
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/when"
)

// Verdict says what a Certificate waits for. All its parts are empty if it
// waits for nothing and nothing threatens it.
type Verdict struct {
	// Waiting is a noun phrase, short enough for a column: "approval of web-1".
	Waiting string
	// Because tells more, in sentences.
	Because string
	// Remedy is what its owner can do about it.
	Remedy string
}

// Explain is the ladder an issuance climbs: the first rung that does not hold
// is what the Certificate waits for.
//
//	 1 it is not being deleted
//	 2 it is in order, and not due         -> it waits for nothing
//	 3 its issuer exists and is ready
//	 4 the daemon has seen it
//	 5 its request was not denied
//	 6 no failed attempt is being waited out
//	 7 there is a request
//	 8 the request is approved
//	 9 the request is signed
//	10 the result is stored
func Explain(o Observed, now time.Time) Verdict {
	for _, rung := range []func(Observed, time.Time) (Verdict, bool){
		deleted, inOrder, issuerAbsent, issuerUnready, unseen,
		denied, failed, unrequested, unapproved, unsigned,
	} {
		if v, stuck := rung(o, now); stuck {
			return v
		}
	}
	return unstored(o)
}

// askWhetherAtWork is the remedy where only the daemon can go on.
const askWhetherAtWork = "If that lasts longer than some seconds: `certwright check api` tells whether a daemon is at work."

func deleted(o Observed, now time.Time) (Verdict, bool) {
	at := o.Certificate.DeletionTimestamp
	if at == nil {
		return Verdict{}, false
	}
	return Verdict{
		Waiting: "its deletion",
		Because: fmt.Sprintf("It was deleted %s and its finalizers are not done.", when.Relative(at.Time, now)),
		Remedy:  "Find who set metadata.finalizers, and why he does not remove his.",
	}, true
}

// inOrder also warns of what will stop the next renewal while there is time.
func inOrder(o Observed, now time.Time) (Verdict, bool) {
	crt := o.Certificate
	if !api.CertificateIs(crt, cmapi.CertificateConditionReady) || api.CertificateIs(crt, cmapi.CertificateConditionIssuing) ||
		crt.Status.LastFailureTime != nil || passed(crt.Status.RenewalTime, now) || passed(crt.Status.NotAfter, now) {
		return Verdict{}, false
	}
	v, bad := issuerAbsent(o, now)
	if !bad {
		v, bad = issuerUnready(o, now)
	}
	if bad {
		v.Because = "The certificate is valid, but cannot be renewed as things stand. " + v.Because
		v.Waiting = ""
	}
	return v, true
}

func issuerAbsent(o Observed, _ time.Time) (Verdict, bool) {
	ns, i := o.Certificate.Namespace, o.Issuer
	switch i.State {
	case IssuerMissing:
		where := "in the cluster"
		if i.Kind == cmapi.IssuerKind {
			where = "in namespace " + ns + " (an Issuer serves only its own)"
		}
		return Verdict{
			Waiting: i.String() + " to exist",
			Because: fmt.Sprintf("There is no %s %q %s.", i.Kind, i.Name, where),
			Remedy:  "Create it, or correct spec.issuerRef (name and kind).",
		}, true
	case IssuerNoKind:
		return Verdict{
			Waiting: "a correct spec.issuerRef",
			Because: fmt.Sprintf("%q is no kind of issuer in group %s.", i.Kind, i.Group),
			Remedy:  "Write kind Issuer or ClusterIssuer, or the group of the external issuer that has that kind.",
		}, true
	}
	return Verdict{}, false
}

func issuerUnready(o Observed, _ time.Time) (Verdict, bool) {
	i := o.Issuer
	if i.State != IssuerNotReady {
		return Verdict{}, false
	}
	v := Verdict{
		Waiting: i.String() + " to be ready",
		Because: "The issuer has no Ready condition yet.",
		Remedy:  askWhetherAtWork,
	}
	if i.Reason != "" {
		v.Because = sentence("The issuer says", i.Reason, i.Message)
		v.Remedy = "Mend the issuer; the certificate follows by itself."
	}
	return v, true
}

func unseen(o Observed, now time.Time) (Verdict, bool) {
	if len(o.Certificate.Status.Conditions) > 0 {
		return Verdict{}, false
	}
	return Verdict{
		Waiting: "the daemon to see it",
		Because: fmt.Sprintf("It is %s old and has no conditions.", when.Age(o.Certificate.CreationTimestamp.Time, now)),
		Remedy:  askWhetherAtWork,
	}, true
}

// unstored is the last rung: all is there, the daemon has to act.
func unstored(o Observed) Verdict {
	v := Verdict{
		Waiting: "the daemon to store the result",
		Remedy:  askWhetherAtWork + " Its log tells why it does not.",
	}
	if c := api.CertificateCondition(o.Certificate, cmapi.CertificateConditionReady); c != nil && c.Status != "True" {
		v.Because = sentence("The Ready condition says", c.Reason, c.Message)
	}
	return v
}
