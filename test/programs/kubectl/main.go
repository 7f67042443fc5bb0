//go:build kubectlprogram

// Command kubectl is kubectl, of the version of the control plane that the
// tests run on. The build tag keeps its packages out of `go vet ./...`.
package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
