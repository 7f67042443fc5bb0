package connection

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/certwright/certwright/daemon/config/nearest"
)

// Unusable tells why no API server can be read off the kubeconfigs, and what to
// do. context is the one asked for, if any.
func Unusable(kubeconfigs []string, context string, err error) error {
	return fmt.Errorf("no way to an API server: %w\n%s", err, unusableRemedy(kubeconfigs, context, err))
}

func unusableRemedy(kubeconfigs []string, context string, err error) string {
	files := strings.Join(kubeconfigs, string(filepath.ListSeparator))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "Name a file that is there with --kubeconfig, or leave it out in a pod, which has a service account."
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("Let the user of this process (uid %d) read the file, or hand it over as a credential of systemd (LoadCredential=).", os.Getuid())
	case clientcmd.IsEmptyConfig(err) && len(kubeconfigs) == 1 && exists(kubeconfigs[0]):
		return files + " names no cluster: fetch the kubeconfig again, and look at it with: kubectl config view --kubeconfig " + files
	case clientcmd.IsEmptyConfig(err):
		return "Name a kubeconfig with --kubeconfig or KUBECONFIG, or run in a pod, which has a service account. Looked for: " + files
	}
	if known, unknown := contexts(kubeconfigs, context); unknown {
		if len(known) == 0 {
			return files + " has no contexts at all: fetch the kubeconfig again."
		}
		return "The contexts there are: " + strings.Join(known, ", ") + nearest.Hint(context, known)
	}
	return "Mend the file, or fetch it again, and look at it with: kubectl config view --kubeconfig " + files
}

// contexts are those of the files; unknown when the one asked for is none of them.
func contexts(kubeconfigs []string, context string) (known []string, unknown bool) {
	raw, err := (&clientcmd.ClientConfigLoadingRules{Precedence: kubeconfigs}).Load()
	if err != nil {
		return nil, false
	}
	if context == "" {
		context = raw.CurrentContext
	}
	for name := range raw.Contexts {
		if name == context {
			return nil, false
		}
		known = append(known, name)
	}
	slices.Sort(known)
	return known, true
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
