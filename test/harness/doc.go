// Package harness runs the product as its users do: the real daemon, built from
// this checkout, as a process of its own against a real local control plane,
// under the rights that deploy/rbac gives it.
//
//	Open            control plane + CRDs + RBAC + the daemon's binary and kubeconfig
//	Stage.Daemon    a daemon process: start, ready, stop, kill -9, restart, log
//	Kind.Until      wait for objects by watching them, never by sleeping
//	Clients.Calls   what the API server counted, by verb and resource
//	Stage.Audit     what one user asked of the API server, request by request
//	Process         a program of others beside the daemon
//	Usage           CPU and memory of a process
//
// It knows nothing of package testing, because the benchmark and the demo stand
// on it as well as the end-to-end tests.
//
// # Counting the daemon's API calls
//
// There are two ways, because each fails where the other is good. The audit log
// names the user of every request, so it tells exactly what the daemon did to
// one namespace while other tests run beside; but it costs the API server time,
// which a benchmark must not spend. The API server's own counter costs nothing
// but names no user; so the benchmark keeps book of its own calls and subtracts
// them, and leaves out the resources that certwright never touches (leases and
// the like, which the control plane writes to by itself).
package harness
