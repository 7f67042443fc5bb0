package webhooks

import (
	"fmt"
	"io"
	"time"

	"github.com/certwright/certwright/daemon/certwright/page"
)

// Table writes one line for each set.
func Table(w io.Writer, reports []Report, withNamespace bool, now time.Time) error {
	header := []string{"SET", "PHASE", "SINCE", "CA SECRET", "CA EXPIRES", "SERVER SECRET", "EXPIRES", "BUNDLES"}
	if withNamespace {
		header = append([]string{"NAMESPACE"}, header...)
	}
	var rows [][]string
	for _, r := range reports {
		row := []string{r.Set, r.Phase, when(r.Since, now), r.CA.Secret, r.CA.expires(now), r.Server.Secret, r.Server.expires(now), r.bundles()}
		if withNamespace {
			row = append([]string{r.Namespace}, row...)
		}
		rows = append(rows, row)
	}
	return page.Table(w, header, rows)
}

func when(t *time.Time, now time.Time) string {
	if t == nil {
		return ""
	}
	return page.Relative(*t, now)
}

func (p Part) expires(now time.Time) string {
	if p.Fault != "" {
		return p.Fault
	}
	return when(p.NotAfter, now)
}

// bundles counts the webhook configurations that carry the bundle of this moment.
func (r Report) bundles() string {
	if r.WebhooksUnread {
		return "may not be read"
	}
	placed := 0
	for _, w := range r.Webhooks {
		if w.InPlace {
			placed++
		}
	}
	return fmt.Sprintf("%d of %d in place", placed, len(r.Webhooks))
}
