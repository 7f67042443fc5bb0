package certificaterequests

import (
	"time"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// pendingAfter is how long an ACME order may take before the request says that
// it is pending: within that many have ended, and a write is saved.
const pendingAfter = 8 * time.Second

// usual are the reasons for waiting that are the way of things, and ask nothing
// of anybody (contract 1.3).
var usual = map[string]bool{"OrderCreated": true, "OrderPending": true}

// untilTold is how long nothing is written yet of a request that waits.
func (h *Handler) untilTold(cr *cmapi.CertificateRequest, reason string) time.Duration {
	if !usual[reason] || api.RequestCondition(cr, cmapi.CertificateRequestConditionReady) != nil {
		return 0
	}
	left := cr.CreationTimestamp.Add(pendingAfter).Sub(h.Clock.Now())
	return min(left, pendingAfter) // whatever the API server's clock says
}
