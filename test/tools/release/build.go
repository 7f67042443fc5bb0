package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// platform is one that is built for.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "_" + p.arch }

// The image and the packages are for Linux; whoever uses the commands has other
// machines too.
var (
	servers  = []platform{{"linux", "amd64"}, {"linux", "arm64"}}
	desktops = []platform{{"darwin", "amd64"}, {"darwin", "arm64"}}
)

// binary builds certwright for a platform, without anything of this machine in
// it, and returns its path.
func (r release) binary(ctx context.Context, p platform) (string, error) {
	out, err := filepath.Abs(r.path(filepath.Join("bin", p.String(), "certwright")))
	if err != nil {
		return "", err
	}
	say("certwright for %s/%s", p.os, p.arch)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", r.ldflags, "-o", out, "./daemon/certwright")
	cmd.Dir, cmd.Stderr = r.tree, os.Stderr
	cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build for %s/%s: %w", p.os, p.arch, err)
	}
	return out, nil
}
