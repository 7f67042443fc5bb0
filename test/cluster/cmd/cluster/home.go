package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// home is the folder in which a named cluster keeps what the commands need to
// find it again.
type home struct {
	name string
	dir  string
}

// state is what a running cluster tells the commands.
type state struct {
	PID        int    `json:"pid"`
	Kubeconfig string `json:"kubeconfig"`
	URL        string `json:"url"`
}

func homes() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder (set HOME or XDG_CACHE_HOME): %w", err)
	}
	return filepath.Join(cache, "certwright", "clusters"), nil
}

func homeOf(name string) (home, error) {
	all, err := homes()
	return home{name: name, dir: filepath.Join(all, name)}, err
}

func (h home) log() string       { return filepath.Join(h.dir, "cluster.log") }
func (h home) data() string      { return filepath.Join(h.dir, "cluster") }
func (h home) statePath() string { return filepath.Join(h.dir, "state.json") }

// read returns the state that the owner wrote; ok is false while it starts, when
// there may be one of a former owner.
func (h home) read(owner int) (s state, ok bool) {
	content, err := os.ReadFile(h.statePath())
	return s, err == nil && json.Unmarshal(content, &s) == nil && s.PID == owner
}

// write replaces the state at once: a reader finds all of it or nothing.
func (h home) write(s state) error {
	content, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode the state: %w", err)
	}
	next := h.statePath() + ".new"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	if err := os.Rename(next, h.statePath()); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}
