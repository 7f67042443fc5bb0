//go:build !linux

package netns

import (
	"context"
	"errors"
)

// Address is this machine's in the network.
const Address = "192.0.2.10"

var errLinux = errors.New("this needs network namespaces, which only Linux has")

// Inside is never the case.
func Inside() bool { return false }

// Rerun fails.
func Rerun(context.Context) (int, error) { return 1, errLinux }

// Confine fails.
func Confine(context.Context, ...string) (int, error) { return 1, errLinux }

// Furnish fails.
func Furnish(context.Context, string) error { return errLinux }
