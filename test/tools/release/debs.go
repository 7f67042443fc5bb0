package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // the format
	"github.com/goreleaser/nfpm/v2/files"
)

// debs writes certwright_VERSION_ARCH.deb: the programs, the systemd units and
// an example of the configuration.
func (r release) debs(ctx context.Context) error {
	for _, p := range servers {
		if err := r.deb(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (r release) deb(ctx context.Context, p platform) error {
	binary, err := r.binary(ctx, p, certwright)
	if err != nil {
		return err
	}
	beside, err := r.binary(ctx, p, providers)
	if err != nil {
		return err
	}
	units := filepath.Join(r.tree, "deploy", "systemd")
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "certwright", Arch: p.arch, Platform: p.os, Version: strings.TrimPrefix(r.version, "v"),
		Section: "admin", Priority: "optional", License: "Apache-2.0", MTime: r.when,
		Maintainer: "The certwright authors <certwright@users.noreply.github.com>", Homepage: "https://github.com/certwright/certwright",
		Description: "certificates of a Kubernetes cluster\n Makes, keeps and renews the certificates of a Kubernetes cluster, as a service\n outside of it. Serves the API of cert-manager.io/v1.",
		Overridables: nfpm.Overridables{
			Recommends: []string{"ca-certificates"},
			Scripts: nfpm.Scripts{
				PostInstall: filepath.Join(units, "debian", "postinst"),
				PreRemove:   filepath.Join(units, "debian", "prerm"),
				PostRemove:  filepath.Join(units, "debian", "postrm"),
			},
			Contents: files.Contents{
				r.content(binary, "/usr/bin/certwright", 0o755, ""),
				r.content(beside, "/usr/bin/certwright-lego", 0o755, ""),
				r.content(filepath.Join(units, "certwright.service"), "/usr/lib/systemd/system/certwright.service", 0o644, ""),
				r.content(filepath.Join(units, "certwright-kubeconfig.path"), "/usr/lib/systemd/system/certwright-kubeconfig.path", 0o644, ""),
				r.content(filepath.Join(units, "certwright-kubeconfig.service"), "/usr/lib/systemd/system/certwright-kubeconfig.service", 0o644, ""),
				r.content(filepath.Join(units, "config.yaml"), "/etc/certwright/config.yaml", 0o644, files.TypeConfigNoReplace),
				r.content(filepath.Join(r.tree, "LICENSE"), "/usr/share/doc/certwright/copyright", 0o644, ""),
			},
		},
	})
	packager, err := nfpm.Get("deb")
	if err != nil {
		return err
	}
	out, err := os.Create(r.path(fmt.Sprintf("certwright_%s_%s.deb", info.Version, p.arch)))
	if err != nil {
		return err
	}
	defer out.Close()
	if err := packager.Package(info, out); err != nil {
		return fmt.Errorf("deb for %s: %w", p.arch, err)
	}
	return out.Close()
}

func (r release) content(from, to string, mode os.FileMode, kind string) *files.Content {
	return &files.Content{Source: from, Destination: to, Type: kind,
		FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: mode, MTime: r.when}}
}
