package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/certwright/certwright/test/cluster/programs"
)

// AssetsVariable names the environment variable that holds a folder of ready
// programs, as other Kubernetes test tools have it. When it is set nothing is built.
const AssetsVariable = "KUBEBUILDER_ASSETS"

// Names of the components, as [Cluster.PID] takes them.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
)

// controlPlane is what every cluster needs; node is built only when asked for.
var (
	controlPlane = []programs.Program{
		{Name: Etcd, Package: "go.etcd.io/etcd/server/v3", Cold: time.Minute},
		{Name: APIServer, Package: "k8s.io/kubernetes/cmd/kube-apiserver", Cold: 7 * time.Minute},
		{Name: ControllerManager, Package: "k8s.io/kubernetes/cmd/kube-controller-manager", Cold: 2 * time.Minute},
	}
	node = []programs.Program{
		{Name: "kubelet", Package: "k8s.io/kubernetes/cmd/kubelet", Cold: time.Minute},
		{Name: "kube-scheduler", Package: "k8s.io/kubernetes/cmd/kube-scheduler", Cold: time.Minute},
	}
)

// Binaries returns a folder that holds etcd, kube-apiserver and
// kube-controller-manager, and of kubelet and kube-scheduler those named in
// extra. It is the folder in KUBEBUILDER_ASSETS when that is set, else one in
// the user's cache, where what is missing is built first: minutes, with
// progress on log. ctx ends a build.
func Binaries(ctx context.Context, log io.Writer, extra ...string) (string, error) {
	wanted, err := wantedPrograms(extra)
	if err != nil {
		return "", err
	}
	if dir := os.Getenv(AssetsVariable); dir != "" {
		return dir, checkAssets(dir, wanted)
	}
	module, err := kubernetesModule()
	if err != nil {
		return "", err
	}
	dir, err := module.Ensure(ctx, log, wanted...)
	if err != nil {
		return "", fmt.Errorf("provide the control plane's programs: %w", err)
	}
	return dir, nil
}

func wantedPrograms(extra []string) ([]programs.Program, error) {
	wanted := slices.Clone(controlPlane)
	for _, name := range extra {
		i := slices.IndexFunc(node, func(p programs.Program) bool { return p.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%q is no program of the control plane or a node", name)
		}
		wanted = append(wanted, node[i])
	}
	return wanted, nil
}

func checkAssets(dir string, wanted []programs.Program) error {
	var lacks []string
	for _, p := range wanted {
		if _, err := exec.LookPath(filepath.Join(dir, p.Name)); err != nil {
			lacks = append(lacks, p.Name)
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return fmt.Errorf("%s is %s, which has no executable %s: put it there, or unset %s to have all programs built",
		AssetsVariable, dir, strings.Join(lacks, " and no "), AssetsVariable)
}

// kubernetesModule stamps the pinned version into the programs: built from a
// module they would call themselves v0.0.0, which clients compare versions with.
func kubernetesModule() (programs.Module, error) {
	dir, err := moduleDir()
	if err != nil {
		return programs.Module{}, err
	}
	module := programs.Module{Name: "kubernetes", Dir: dir}
	version, err := module.Version("k8s.io/kubernetes")
	if err != nil {
		return programs.Module{}, err
	}
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 3 {
		return programs.Module{}, fmt.Errorf("k8s.io/kubernetes is pinned at %q, which is no release", version)
	}
	const variable = "-X k8s.io/component-base/version."
	module.LDFlags = variable + "gitVersion=" + version + " " + variable + "gitMajor=" + parts[0] + " " +
		variable + "gitMinor=" + parts[1] + " " + variable + "gitTreeState=archive"
	return module, nil
}

// moduleDir finds the nested module beside this source file, or, when the
// compiler was told to trim paths, in the checkout around the working directory.
func moduleDir() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	candidates := []string{filepath.Join(filepath.Dir(file), "kubernetes")}
	wd, err := os.Getwd()
	for dir := wd; err == nil; dir = filepath.Dir(dir) {
		candidates = append(candidates, filepath.Join(dir, "test", "cluster", "kubernetes"))
		if dir == filepath.Dir(dir) {
			break
		}
	}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil && filepath.IsAbs(dir) {
			return dir, nil
		}
	}
	return "", errors.New("test/cluster/kubernetes, which pins the programs to build, was not found: " +
		"run from a checkout of certwright, or set " + AssetsVariable)
}
