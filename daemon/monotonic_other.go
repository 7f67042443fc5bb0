//go:build !linux

package daemon

// monotonic is for systemd, which only Linux has.
func monotonic() string { return "" }
