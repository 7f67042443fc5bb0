//go:build !linux

package line

import (
	"context"
	"errors"
	"time"
)

// Quality is how bad a line is.
type Quality struct {
	Delay time.Duration
	Loss  float64
	Rate  float64
}

// Line cannot be had.
type Line struct{}

// Lay fails.
func Lay(context.Context, Quality, string) (*Line, error) {
	return nil, errors.New("this needs network namespaces, which only Linux has")
}

// Cut does nothing.
func (*Line) Cut() {}

// Mend does nothing.
func (*Line) Mend() {}

// Beyond is empty.
func (*Line) Beyond() []string { return nil }

// Packets are none.
func (*Line) Packets() (carried, lost int64) { return 0, 0 }

// Close does nothing.
func (*Line) Close() error { return nil }
