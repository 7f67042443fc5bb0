//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// patience is what kubectl waits for a rollout or a deletion.
const patience = 3 * time.Minute

// kubectl runs a command as a user would, and returns what it said.
func (w *world) kubectl(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience+10*time.Second) // kubectl itself says what it waited for
	defer cancel()
	var said, complained bytes.Buffer
	cmd := exec.CommandContext(ctx, w.Kubectl, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.cluster.Kubeconfig(), "HOME="+w.Dir)
	cmd.Stdout, cmd.Stderr = &said, &complained
	if err := cmd.Run(); err != nil {
		return said.String(), fmt.Errorf("kubectl %s: %w: %s%s", strings.Join(args, " "), err, said.String(), complained.String())
	}
	return said.String(), nil
}

// overlay writes what a user writes to have a folder of deploy/ with an image of his
// own, and returns its folder.
func (w *world) overlay(f form, tag string) (string, error) {
	dir := w.folder("overlay-" + f.name)
	base, err := filepath.Rel(dir, filepath.Join(w.Root, "deploy", f.base))
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("resources: [%s]\nimages:\n- {name: certwright, newName: %s, newTag: %s}\n%s", base, repository, tag, f.further)
	return dir, os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o644)
}

// restricted has a namespace take no pod but one that the Pod Security Standard
// "restricted" allows.
func (w *world) restricted(ctx context.Context, namespace string) error {
	if err := w.clients.EnsureNamespace(ctx, namespace); err != nil {
		return err
	}
	_, err := w.kubectl(ctx, "label", "--overwrite", "namespace", namespace,
		"pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/enforce-version=latest")
	return err
}

// rollOut applies a form with an image and waits until all its pods are ready.
func (w *world) rollOut(ctx context.Context, f form, tag string) error {
	dir, err := w.overlay(f, tag)
	if err != nil {
		return err
	}
	if _, err := w.kubectl(ctx, "apply", "-k", dir); err != nil {
		return err
	}
	return w.rolledOut(ctx, f)
}

func (w *world) rolledOut(ctx context.Context, f form) error {
	_, err := w.kubectl(ctx, "-n", f.namespace, "rollout", "status", f.owner, "--timeout="+patience.String())
	return err
}

// remove takes a form away again, with its pods.
func (w *world) remove(ctx context.Context, f form) error {
	if _, err := w.kubectl(ctx, "delete", "--wait", "--ignore-not-found", "-k", filepath.Join(w.Dir, "overlay-"+f.name)); err != nil {
		return err
	}
	_, err := w.kubectl(ctx, "-n", f.namespace, "wait", "--for=delete", "pod", "-l", f.pods, "--timeout="+patience.String())
	if err != nil && strings.Contains(err.Error(), "no matching resources") {
		return nil
	}
	return err
}
