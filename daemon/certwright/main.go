// Command certwright makes, keeps and renews the certificates of a Kubernetes
// cluster. Its commands are in the package commands; the daemon is package
// daemon.
package main

import (
	"os"

	"github.com/certwright/certwright/daemon"
	"github.com/certwright/certwright/daemon/certwright/commands"
)

func main() { os.Exit(commands.Main(daemon.Run)) }
