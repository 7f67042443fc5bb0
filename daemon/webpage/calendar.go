package webpage

import (
	"time"
)

// Calendar counts by week what expires.
type Calendar struct {
	Weeks []Week `json:"weeks"`
	// Expired are in use and expired before this week began; Later expire after
	// the last of the weeks; Nothing is in use of Without.
	Expired int `json:"expiredBefore"`
	Later   int `json:"later"`
	Without int `json:"withoutCertificate"`
}

// Week is what expires in the seven days from Start, a Monday.
type Week struct {
	Start time.Time `json:"start"`
	All   int       `json:"certificates"`
	// Attention are those of All that will not be renewed as things stand.
	Attention int `json:"needAttention"`
}

const (
	week = 7 * 24 * time.Hour
	// horizon is half a year: longer than the life of most certificates.
	horizon = 26
)

// weekOf is the Monday, at midnight UTC, of the week that t is in.
func weekOf(t time.Time) time.Time {
	t = t.UTC()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

// calendar counts rows.
func calendar(rows []Row, now time.Time) Calendar {
	first := weekOf(now)
	c := Calendar{Weeks: make([]Week, horizon)}
	for i := range c.Weeks {
		c.Weeks[i].Start = first.AddDate(0, 0, 7*i)
	}
	for _, r := range rows {
		switch end := r.expiry(); {
		case end == nil:
			c.Without++
		case end.Time.Before(first):
			c.Expired++
		case int(end.Sub(first)/week) >= horizon:
			c.Later++
		default:
			w := &c.Weeks[end.Sub(first)/week]
			w.All++
			if r.State.NeedsAttention() {
				w.Attention++
			}
		}
	}
	return c
}

// Most is the highest number of a week.
func (c Calendar) Most() int {
	most := 0
	for _, w := range c.Weeks {
		most = max(most, w.All)
	}
	return most
}

// Day is how the week is named in addresses.
func (w Week) Day() string { return w.Start.Format(time.DateOnly) }

// Label names the month at the first of its weeks in a picture.
func (c Calendar) Label(i int) string {
	start := c.Weeks[i].Start
	if i > 0 && start.Day() > 7 || i == 0 && start.Day() > 10 {
		return "" // at the edge it would run into the next one
	}
	return start.Format("Jan")
}

// Height is that of a bar, from 0 to 100; what is there at all can be seen.
func (c Calendar) Height(n int) int {
	most := c.Most()
	if n == 0 || most == 0 {
		return 0
	}
	return max(3, n*100/most)
}

// Total is how many expire within the weeks.
func (c Calendar) Total() int {
	total := 0
	for _, w := range c.Weeks {
		total += w.All
	}
	return total
}
