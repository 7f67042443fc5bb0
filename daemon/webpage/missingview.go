package webpage

import "time"

// missing is what is not there, in a sentence.
type missing string

func (m missing) show(time.Time) part {
	return all(el("h1", text("Not found")), el("p", text(string(m))), el("p", el("a", href("./"), text("To the list of Certificates"))))
}
