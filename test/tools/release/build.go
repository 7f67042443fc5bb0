package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// platformsOf reads a list like linux/amd64,linux/arm64 of those that the image is
// made for; an empty one is all.
func platformsOf(list string) ([]platform, error) {
	if list == "" {
		return servers, nil
	}
	var chosen []platform
	for _, entry := range strings.Split(list, ",") {
		system, arch, _ := strings.Cut(strings.TrimSpace(entry), "/")
		p := platform{system, arch}
		if !slices.Contains(servers, p) {
			return nil, fmt.Errorf("-platforms: %q is none of linux/amd64 and linux/arm64", entry)
		}
		if slices.Contains(chosen, p) {
			return nil, fmt.Errorf("-platforms: %q is in the list twice", entry)
		}
		chosen = append(chosen, p)
	}
	return chosen, nil
}

// program is one that is built: the daemon and its commands, and beside it what
// has the DNS providers of lego.
type program struct {
	name, module, pkg string
	stamped           bool // it tells its version
}

var (
	certwright = program{"certwright", ".", "./daemon/certwright", true}
	providers  = program{"certwright-lego", "daemon/lego", ".", false}
)

// binary builds a program for a platform, without anything of this machine in
// it, and returns its path. What the image needs, the packages need too: it is
// built once.
func (r release) binary(ctx context.Context, p platform, what program) (string, error) {
	out, err := filepath.Abs(r.path(filepath.Join("bin", p.String(), what.name)))
	if err != nil {
		return "", err
	}
	if r.built[out] {
		return out, nil
	}
	say("%s for %s/%s", what.name, p.os, p.arch)
	ldflags := "-s -w" // each flag is part of the program: unstamped, it stays as it is over releases
	if what.stamped {
		ldflags = r.ldflags
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", out, what.pkg)
	cmd.Dir, cmd.Stderr = filepath.Join(r.tree, what.module), os.Stderr
	cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s for %s/%s: %w", what.name, p.os, p.arch, err)
	}
	r.built[out] = true
	return out, nil
}

// programs builds both and gives them the mode of programs, in a folder.
func (r release) programs(ctx context.Context, p platform, folder string) ([]file, error) {
	var files []file
	for _, what := range []program{providers, certwright} {
		path, err := r.binary(ctx, p, what)
		if err != nil {
			return nil, err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files = append(files, file{filepath.Join(folder, what.name), 0o755, content})
	}
	return files, nil
}
