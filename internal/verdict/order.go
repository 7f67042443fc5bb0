package verdict

import (
	"cmp"
	"fmt"
	"strings"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"

	"github.com/certwright/certwright/internal/api"
)

// mostTold is how many names are told of that are not proved yet.
const mostTold = 5

// ordered tells what an Order waits for: the names it has to have proved, or
// the server.
func ordered(o Observed) Verdict {
	v := Verdict{
		Waiting: fmt.Sprintf("Order %s at %s", o.Order.Name, o.Issuer),
		Because: sentence("The Order", cmp.Or(string(o.Order.Status.State), "was not made at the server yet"), o.Order.Status.Reason),
		Remedy:  fmt.Sprintf("If that lasts: kubectl describe order,challenge -n %s", o.Order.Namespace),
	}
	var waits []string
	for _, ch := range o.Challenges {
		if ch.Status.State != cmacme.Valid {
			waits = append(waits, proving(ch))
		}
	}
	if len(waits) > mostTold {
		waits = append(waits[:mostTold], fmt.Sprintf("And %d more.", len(waits)-mostTold))
	}
	if len(waits) > 0 {
		v.Waiting = fmt.Sprintf("the names of Order %s to be proved to %s", o.Order.Name, o.Issuer)
		v.Because = strings.Join(waits, " ")
	}
	return v
}

// proving tells how far one name has come.
func proving(ch *cmacme.Challenge) string {
	who := fmt.Sprintf("%s by %s", ch.Spec.DNSName, ch.Spec.Type)
	switch s := ch.Status; {
	case api.ACMEFinal(s.State):
		return sentence(who, string(s.State), s.Reason)
	case s.Processing && s.Reason == "":
		return sentence(who, "", "at work")
	case s.Processing:
		return sentence(who, "", s.Reason)
	case s.Reason == "":
		return sentence(who, "", "waits for its turn (--max-concurrent-challenges, and one at a time for a name)")
	default:
		return sentence(who, s.Reason, "it gave its place to others, and waits for its next turn")
	}
}
