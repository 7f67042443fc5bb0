package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// Variables by which the stand-ins learn where they are.
const (
	standinRoot = "CERTWRIGHT_DOCS_ROOT" // the repository
	standinHost = "CERTWRIGHT_DOCS_HOST" // a folder for /etc, /usr, /var
)

// standins are commands of the operating system that would change the machine, or
// that nobody has here. This program is on PATH under their names. Each looks at
// its arguments as far as it can tell a right one from a wrong one.
var standins = map[string]func(args []string) error{
	"sudo":       sudo,
	"apt":        apt,
	"apt-get":    apt,
	"make":       makeTarget,
	"systemctl":  systemctl,
	"journalctl": journalctl,
}

// standIn plays the command that the process was started as, if it is one.
func standIn() (is bool) {
	play, is := standins[filepath.Base(os.Args[0])]
	if !is {
		return false
	}
	if err := play(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s (a stand-in of the documentation's proof): %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(1)
	}
	return true
}

var systemFolder = regexp.MustCompile(`^/(etc|usr|var|opt)(/|$)`)

// sudo runs the rest as who we are, with folders of the system in a folder of the
// page.
func sudo(args []string) error {
	host := os.Getenv(standinHost)
	for i, arg := range args {
		if systemFolder.MatchString(arg) {
			args[i] = host + arg
			if err := os.MkdirAll(filepath.Dir(args[i]), 0o755); err != nil {
				return err
			}
		}
	}
	if len(args) == 0 {
		return errors.New("run what?")
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, args, os.Environ())
}

var ourPackage = regexp.MustCompile(`^\./(dist/)?certwright_[^_]+_(amd64|arm64)\.deb$`)

// apt takes our own package by the name that make release gives it, and looks into
// it where it was built.
func apt(args []string) error {
	args = slices.DeleteFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") })
	switch {
	case len(args) == 1 && args[0] == "update":
		return nil
	case len(args) == 2 && (args[0] == "remove" || args[0] == "purge") && args[1] == "certwright":
		return nil
	case len(args) != 2 || args[0] != "install" || !ourPackage.MatchString(args[1]):
		return fmt.Errorf("%q is not the installation of a package that make release builds", args)
	}
	found, _ := filepath.Glob(filepath.Join(os.Getenv(standinRoot), "dist", "certwright_*.deb")) // the pattern is valid
	for _, file := range found {
		out, err := exec.Command("dpkg-deb", "--contents", file).CombinedOutput()
		if err != nil {
			return fmt.Errorf("look into %s: %w\n%s", file, err, out)
		}
		if !strings.Contains(string(out), "certwright.service") {
			return fmt.Errorf("%s has no certwright.service", file)
		}
	}
	return nil
}

// makeTarget has make say what it would do.
func makeTarget(args []string) error {
	out, err := exec.Command("/usr/bin/make", append([]string{"-n", "-C", os.Getenv(standinRoot)}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// systemctl knows the units in deploy/systemd.
func systemctl(args []string) error {
	args = slices.DeleteFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") })
	verbs := []string{"enable", "disable", "start", "stop", "restart", "reload", "status", "edit", "show", "daemon-reload", "is-active"}
	if len(args) == 0 || !slices.Contains(verbs, args[0]) {
		return fmt.Errorf("unknown command %q", args)
	}
	return units(args[1:])
}

// journalctl needs a unit.
func journalctl(args []string) error {
	for i, arg := range args {
		if arg == "-u" || arg == "--unit" {
			return units(args[i+1 : i+2])
		}
	}
	return errors.New("no -u UNIT")
}

func units(names []string) error {
	for _, name := range names {
		if !strings.Contains(name, ".") {
			name += ".service"
		}
		if _, err := os.Stat(filepath.Join(os.Getenv(standinRoot), "deploy", "systemd", name)); err != nil {
			return fmt.Errorf("we ship no unit %s", name)
		}
	}
	return nil
}
