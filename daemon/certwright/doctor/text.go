package doctor

import (
	"fmt"
	"io"

	"github.com/certwright/certwright/daemon/certwright/page"
)

// Table writes the findings, each remedy under its finding, and a last line
// that sums them up.
func Table(w io.Writer, findings []Finding) error {
	var p page.Page
	area := ""
	for _, f := range findings {
		if f.Area != area {
			area = f.Area
			p.Section(area)
		}
		text := f.Text
		if f.Remedy != "" && f.Verdict != OK {
			text += "\n-> " + f.Remedy
		}
		p.Field(string(f.Verdict), text)
	}
	if _, err := p.WriteTo(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d ok, %d to look at, %d to mend\n", Count(findings, OK), Count(findings, Warn), Count(findings, Fail))
	return err
}
