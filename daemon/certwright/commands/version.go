package commands

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/spf13/cobra"
)

// Set by the linker: -ldflags "-X <this package>.version=v1.2.3". Nothing else
// writes them. A build without them tells what Go's tool chain recorded.
var (
	version string
	commit  string
)

// buildInfo is what a binary says of itself.
type buildInfo struct {
	Version   string   `json:"version"`
	Commit    string   `json:"commit"`
	GoVersion string   `json:"goVersion"`
	Platform  string   `json:"platform"`
	APIGroups []string `json:"apiGroups"`
}

func versionInfo() buildInfo {
	recorded, _ := debug.ReadBuildInfo()
	return newBuildInfo(version, commit, recorded)
}

func newBuildInfo(version, commit string, recorded *debug.BuildInfo) buildInfo {
	if recorded != nil {
		if version == "" {
			version = recorded.Main.Version
		}
		if commit == "" {
			commit = recordedCommit(recorded.Settings)
		}
	}
	return buildInfo{
		Version: orUnknown(version), Commit: orUnknown(commit),
		GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		APIGroups: []string{cmapi.SchemeGroupVersion.String(), cmacme.SchemeGroupVersion.String()},
	}
}

// recordedCommit marks a build from a changed checkout, which no commit names.
func recordedCommit(settings []debug.BuildSetting) string {
	revision, changed := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "-modified"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func (p *program) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program and the API it serves",
		Example: `  certwright version
  certwright version -o json`,
		Args: cobra.NoArgs,
	}
	out := outputFlag(cmd)
	cmd.RunE = p.action(func(*cobra.Command, []string) error {
		if err := out.check(); err != nil {
			return err
		}
		info := versionInfo()
		return out.print(p.streams.Out, info, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "certwright %s\ncommit     %s\nbuilt with %s for %s\nserves     %s\n",
				info.Version, info.Commit, info.GoVersion, info.Platform, strings.Join(info.APIGroups, ", "))
			return err
		})
	})
	return cmd
}
