// Package sidecar tests the files that certwright writes with the program that
// most webhook servers read them by: controller-runtime's certwatcher. It is a
// module of its own, so that nothing else links controller-runtime.
package sidecar
