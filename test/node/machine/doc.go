// Package machine makes a real Kubernetes node out of this process' network: the
// kubelet and the scheduler of the control plane's version, with containerd, runc
// and the CNI plugins of the distribution. It expects to run confined (see
// netns.Confine): all its state is in file systems and processes that end with
// the program, but for the cgroups, which RemoveCgroups removes.
package machine
