//go:build !linux

package main

// confine can do nothing here: only Linux has Landlock.
func confine() bool { return false }
