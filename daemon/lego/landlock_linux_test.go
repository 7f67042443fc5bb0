package main

import "golang.org/x/sys/unix"

// landlock asks the kernel for its version of Landlock.
func landlock() bool {
	const version = 1 // LANDLOCK_CREATE_RULESET_VERSION
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, version)
	return errno == 0
}
