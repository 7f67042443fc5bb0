package certificates

import (
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Ending is how an issuance came to its end.
type Ending struct {
	// Certificate is as it was while the issuance went on; shared.
	Certificate *cmapi.Certificate
	// Began is when the issuance was seen to be due and, where that was in
	// another process, when its request was made. Zero: neither is known.
	Began, Ended time.Time
	// Seen is true when it was in this process, so that both times are exact.
	Seen bool
	// Failed is true when nothing was issued.
	Failed bool
}

// ended tells of the end of an issuance, which memory still knows.
func (h *Handler) ended(o *Observed, failed bool) {
	e := Ending{Certificate: o.Certificate, Began: h.memory.began(o.Certificate), Ended: h.Clock.Now(), Failed: failed}
	e.Seen = !e.Began.IsZero()
	request := o.Next
	if !failed { // it is current by now
		request = o.Current
	}
	if !e.Seen && request != nil {
		e.Began = request.CreationTimestamp.Time
	}
	h.Took(e)
}
