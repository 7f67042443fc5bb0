package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// names is what the program and its sources know.
type names struct {
	flags    map[string]bool
	commands map[string]bool
	// sources is the text of the product and of the API types.
	sources string
}

var (
	flagHere = regexp.MustCompile("(?m)(?:^|[\\s`'\"=(|])--([a-z][a-z0-9-]*)")
	// A heading of a command in the reference.
	commandHere = regexp.MustCompile(`(?m)^## certwright (.*)$`)
	called      = regexp.MustCompile(`^certwright((?: [a-z][a-z-]*)+)`)
	metricHere  = regexp.MustCompile(`\b(certwright|certmanager)_([a-z0-9_]+)`)
	markHere    = regexp.MustCompile(`\b(?:(?:acme|venafi|controller|experimental)\.)?cert-manager\.io/[a-z][a-z0-9.-]*|\bcertwright\.dev/[a-z][a-z0-9.-]*`)
	// A signer's name has an issuer's in it, not a mark of ours.
	signer = regexp.MustCompile(`(cluster)?issuers\.cert-manager\.io/\S*`)
	others = regexp.MustCompile(`^(\$ )?(kubectl|helm|kustomize|openssl|kube-apiserver|cmctl|curl|vault|go|git|systemctl|journalctl|docker|systemd-[a-z]+) `)
)

// gather asks the program for its options and commands, and reads the sources.
func gather(ctx context.Context, tools *tools) (n names, err error) {
	n = names{flags: map[string]bool{"help": true, "version": true}, commands: map[string]bool{}}
	for _, args := range [][]string{{"options"}, {"options", "--commands"}, {"status", "--help"}} {
		said, err := exec.CommandContext(ctx, tools.certwright, args...).Output()
		if err != nil {
			return n, fmt.Errorf("certwright %v: %w", args, err)
		}
		for _, m := range flagHere.FindAllStringSubmatch(string(said), -1) {
			n.flags[m[1]] = true
		}
		for _, m := range commandHere.FindAllStringSubmatch(string(said), -1) {
			n.command(m[1])
		}
	}
	for _, name := range []string{"help", "completion"} { // cobra's own
		n.command(name)
	}
	n.sources, err = sources(ctx, tools.root)
	return n, err
}

// command adds a command and those above it.
func (n names) command(path string) {
	for words := strings.Fields(path); len(words) > 0; words = words[:len(words)-1] {
		n.commands[strings.Join(words, " ")] = true
	}
}

// sources is all Go code that is no test, of ours and of the API types, and what we
// deploy.
func sources(ctx context.Context, root string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/cert-manager/cert-manager")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	dir, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find the API types: %w", err)
	}
	folders := []string{filepath.Join(strings.TrimSpace(string(dir)), "pkg", "apis")}
	for _, f := range []string{"daemon", "handlers", "informers", "internal", "queue", "scheduler", "deploy"} {
		folders = append(folders, filepath.Join(root, f))
	}
	var all strings.Builder
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") || !readable.MatchString(path) {
				return err
			}
			text, err := os.ReadFile(path)
			all.Write(text)
			all.WriteByte('\n')
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return all.String(), nil
}

var readable = regexp.MustCompile(`\.(go|yaml|json|tpl)$`)

// faults are the names on a page that nobody knows.
func (n names) faults(p *page) (wrong []string) {
	for _, s := range p.code {
		for line := range strings.SplitSeq(s.text, "\n") {
			for _, fault := range n.lineFaults(s, line) {
				wrong = append(wrong, fmt.Sprintf("%s:%d: %s", p.path, s.line, fault))
			}
		}
	}
	return wrong
}

func (n names) lineFaults(s snippet, line string) (wrong []string) {
	// Scripts are judged by the programs that run them.
	if s.language == "" {
		if m := called.FindStringSubmatch(line); m != nil && !n.known(strings.Fields(m[1])) {
			wrong = append(wrong, fmt.Sprintf("certwright has no command %q", strings.TrimSpace(m[1])))
		}
	}
	if s.language == "" && !others.MatchString(line) {
		for _, m := range flagHere.FindAllStringSubmatch(line, -1) {
			if !n.flags[m[1]] && !strings.HasSuffix(m[0], "-") {
				wrong = append(wrong, "there is no flag --"+m[1])
			}
		}
	}
	for _, m := range metricHere.FindAllStringSubmatch(line, -1) {
		if !n.metric(m[1], m[2]) {
			wrong = append(wrong, "there is no metric "+m[0])
		}
	}
	for _, mark := range markHere.FindAllString(signer.ReplaceAllString(line, ""), -1) {
		if !n.mark(strings.TrimRight(mark, ".-")) {
			wrong = append(wrong, "nothing knows "+mark)
		}
	}
	return wrong
}

// known tells whether the first words are a command; the rest are its arguments.
func (n names) known(words []string) bool {
	if len(words) > 1 && n.commands[words[0]] && n.parent(words[0]) {
		return n.commands[words[0]+" "+words[1]] || words[0] == "status" || words[0] == "help" || words[0] == "completion"
	}
	return n.commands[words[0]]
}

func (n names) parent(word string) bool {
	for path := range n.commands {
		if strings.HasPrefix(path, word+" ") {
			return true
		}
	}
	return false
}

// metric tells whether the sources have a metric's name, whole or after the prefix;
// of a histogram the parts.
func (n names) metric(prefix, name string) bool {
	for _, suffix := range []string{"", "_bucket", "_sum", "_count", "_"} {
		base, cut := strings.CutSuffix(name, suffix)
		if cut && (strings.Contains(n.sources, `"`+base+`"`) || strings.Contains(n.sources, prefix+"_"+base)) {
			return true
		}
	}
	return false
}

// mark tells whether the sources have an annotation or label, whole or behind a
// constant for its prefix.
func (n names) mark(mark string) bool {
	if strings.Contains(n.sources, mark) {
		return true
	}
	_, name, _ := strings.Cut(mark, "/")
	return strings.Contains(n.sources, `"`+name+`"`) || strings.Contains(n.sources, `"/`+name+`"`)
}
