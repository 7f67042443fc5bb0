//go:build linux

package machine

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/certwright/certwright/test/harness"
)

// Name is the node's, UserName whom the API server takes its kubelet for.
const (
	Name      = "node-1"
	UserName  = "system:node:" + Name
	Scheduler = "system:kube-scheduler"
)

// Options say what node to start.
type Options struct {
	// Dir is an empty folder, in memory, for all that it writes.
	Dir string
	// Cgroup is the name of the cgroup above all pods.
	Cgroup string
	// Address is the node's; the DNS server of pods answers there too.
	Address string
	// Programs is the folder of kubelet and kube-scheduler.
	Programs string
	// Kubelet and Scheduler are the kubeconfigs of the two.
	Kubelet, Scheduler string
	// Images are archives to import, PauseImage the name of one in them.
	Images     []string
	PauseImage string
	// Kube reaches the control plane as its administrator.
	Kube kubernetes.Interface
}

// Machine is a node that runs.
type Machine struct {
	o         Options
	processes []*harness.Process
}

// Start starts a node and waits until it is ready to run pods.
func Start(ctx context.Context, o Options) (*Machine, error) {
	m := &Machine{o: o}
	if err := m.write(); err != nil {
		return nil, err
	}
	if err := makeCgroups(o.Cgroup); err != nil {
		return nil, err
	}
	if err := m.startContainerd(ctx); err != nil {
		return m, err
	}
	err := m.start("kube-scheduler", filepath.Join(o.Programs, "kube-scheduler"), nil,
		"--kubeconfig="+o.Scheduler, "--leader-elect=false", "--bind-address=127.0.0.1")
	if err != nil {
		return m, err
	}
	err = m.start("kubelet", filepath.Join(o.Programs, "kubelet"), nil,
		"--config="+filepath.Join(o.Dir, "kubelet.yaml"), "--kubeconfig="+o.Kubelet, "--hostname-override="+Name,
		"--node-ip="+o.Address, "--root-dir="+filepath.Join(o.Dir, "kubelet"), "--cert-dir="+filepath.Join(o.Dir, "kubelet-tls"), "-v=2")
	if err != nil {
		return m, err
	}
	// A node is slow to begin on a machine that is busy; one that has ended is told
	// at once, each time.
	for range 4 {
		if err = m.last().Until(ctx, m.ready); err == nil || ctx.Err() != nil {
			break
		}
	}
	return m, err
}

func (m *Machine) start(name, path string, env []string, args ...string) error {
	p, err := harness.StartProcess(harness.ProcessOptions{Name: name, Path: path, Dir: m.o.Dir, Env: env, Args: args})
	m.processes = append(m.processes, p)
	return err
}

func (m *Machine) last() *harness.Process { return m.processes[len(m.processes)-1] }

func (m *Machine) startContainerd(ctx context.Context) error {
	err := m.start("containerd", "containerd", []string{"TMPDIR=" + m.o.Dir}, "--config="+filepath.Join(m.o.Dir, "containerd.toml"))
	if err != nil {
		return err
	}
	if err := m.last().Until(ctx, func(ctx context.Context) error { return m.ctr(ctx, "version") }); err != nil {
		return err
	}
	for _, archive := range m.o.Images {
		if err := m.ctr(ctx, "images", "import", archive); err != nil {
			return err
		}
	}
	return nil
}

// Tag gives an image one more name.
func (m *Machine) Tag(ctx context.Context, image, name string) error {
	return m.ctr(ctx, "images", "tag", image, name)
}

func (m *Machine) ctr(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	args = append([]string{"--address", filepath.Join(m.o.Dir, "containerd.sock"), "--namespace", "k8s.io"}, args...)
	if out, err := exec.CommandContext(ctx, "ctr", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ctr %s: %w: %s", strings.Join(args[4:], " "), err, out)
	}
	return nil
}

// ready asks the API server what the kubelet has told it.
func (m *Machine) ready(ctx context.Context) error {
	node, err := m.o.Kube.CoreV1().Nodes().Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			if c.Status == corev1.ConditionTrue {
				return nil
			}
			return fmt.Errorf("the node is not ready: %s", c.Message)
		}
	}
	return fmt.Errorf("the node does not tell whether it is ready")
}

// Logs are the ends of what the node's programs said.
func (m *Machine) Logs() string {
	var out strings.Builder
	for _, p := range m.processes {
		if p == nil {
			continue
		}
		lines := strings.Split(strings.TrimRight(p.Log(), "\n"), "\n")
		fmt.Fprintf(&out, "the end of %s:\n    %s\n", filepath.Base(p.LogPath()), strings.Join(lines[max(0, len(lines)-15):], "\n    "))
	}
	return out.String()
}
