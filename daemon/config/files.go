package config

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// The modes.
const (
	// Daemon keeps what --controllers and --namespace say.
	Daemon = "daemon"
	// Sidecar writes the files of one namespace's Secrets, and keeps nothing
	// but what it is told to.
	Sidecar = "sidecar"
)

func fileOptions() []Option {
	const group = "Files"
	return []Option{
		{"mode", group, "daemon, or sidecar: write files from one namespace, and keep only what --controllers names",
			"A sidecar serves the namespace it runs in (or the one of --namespace) and needs no more than get, list and watch on the Secrets it writes. It keeps nothing, and takes no Lease, unless --controllers (or sets of webhook certificates in the file) say so; then it also needs the rights for that, and a --leader-election-namespace where it has some.",
			func(c *Config) any { return &c.Mode }},
		{"output-directory", group, "directory that Secrets are written into; empty writes none",
			"For a server that shall have a new certificate at once, and not after a kubelet's minute: an emptyDir (in memory) that both containers mount. The files tls.crt, tls.key and ca.crt change all at once, by one rename of a link, as in a Secret volume. Every replica writes its own, whoever holds the Lease.",
			func(c *Config) any { return &c.OutputDirectory }},
		{"output-secret", group, "Secrets to write: NAME or NAMESPACE/NAME, with =SUBDIRECTORY where there are several",
			"A Secret that lacks its certificate or key, or holds those of two pairs, is not written: the last good files stay. For the server Secret of a set of webhook certificates, the data keys of the set are read.",
			func(c *Config) any { return &c.OutputSecrets }},
		{"output-mode", group, "mode of the files, in octal",
			"0600 is for a server that runs as the same user. For another user of the same group (a pod's fsGroup) write 0640; a key that all may read is no secret.",
			func(c *Config) any { return &c.OutputMode }},
		{"output-owner", group, "owner of the files, UID:GID; empty is whoever certwright runs as",
			"Giving files away takes root, or the capability CHOWN. In a pod, runAsUser and fsGroup do without.",
			func(c *Config) any { return &c.OutputOwner }},
		{"output-remove-deleted", group, "remove the files of a Secret that is deleted",
			"Off, a Secret deleted by mistake takes no server down.",
			func(c *Config) any { return &c.OutputRemoveDeleted }},
	}
}

// Output is a Secret that is written into a directory.
type Output struct {
	// Namespace is empty for the one that is served.
	Namespace, Name string
	Directory       string
}

// Outputs reads --output-secret.
func (c Config) Outputs() []Output {
	var all []Output
	for _, entry := range c.OutputSecrets {
		secret, sub, _ := strings.Cut(entry, "=")
		namespace, name, found := strings.Cut(secret, "/")
		if !found {
			namespace, name = "", secret
		}
		if namespace == "" && len(c.Namespaces) == 1 {
			namespace = c.Namespaces[0]
		}
		all = append(all, Output{namespace, name, filepath.Join(c.OutputDirectory, sub)})
	}
	return all
}

// OutputFileMode reads --output-mode.
func (c Config) OutputFileMode() fs.FileMode {
	mode, err := strconv.ParseUint(c.OutputMode, 8, 32)
	if err != nil {
		return 0
	}
	return fs.FileMode(mode)
}

// OutputUser reads --output-owner; -1 is nobody in particular.
func (c Config) OutputUser() (uid, gid int) {
	u, g, _ := strings.Cut(c.OutputOwner, ":")
	return idOr(u, -1), idOr(g, -1)
}

func idOr(text string, otherwise int) int {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return otherwise
	}
	return int(n)
}

// Keeps reports whether any controller runs.
func (c Config) Keeps() bool { return c.runsAnything() }

// sidecar narrows what is kept to what was asked for.
func (c *Config) sidecar(controllersGiven bool) {
	if c.Mode != Sidecar || controllersGiven {
		return
	}
	c.Controllers = nil
	if len(c.WebhookSets) > 0 {
		c.Controllers = []string{string(WebhookCertificates)}
	}
}

func (c Config) fileFaults() []error {
	faults := faultIf(!slices.Contains([]string{Daemon, Sidecar}, c.Mode), "--mode: there is no %q; write %s or %s", c.Mode, Daemon, Sidecar)
	faults = append(faults, faultIf(c.Mode == Sidecar && len(c.Namespaces) > 1, "--namespace: a sidecar serves one namespace; name one")...)
	faults = append(faults, faultIf(c.Mode == Sidecar && len(c.OutputSecrets) == 0 && !c.runsAnything(),
		"--output-secret: a sidecar without it has nothing to do; name a Secret")...)
	faults = append(faults, faultIf(c.OutputDirectory != "" && len(c.OutputSecrets) == 0, "--output-secret: nothing is said to go into --output-directory; name a Secret")...)
	faults = append(faults, faultIf(c.OutputDirectory == "" && len(c.OutputSecrets) > 0, "--output-directory: it is not said where the files go; name a directory")...)
	faults = append(faults, c.outputFaults()...)
	mode := c.OutputFileMode()
	faults = append(faults, faultIf(mode&0o400 == 0 || mode&^fs.FileMode(0o666) != 0,
		"--output-mode: %q is not the mode of a file that its owner may read; write for example 0600 or 0640", c.OutputMode)...)
	uid, gid := c.OutputUser()
	return append(faults, faultIf(c.OutputOwner != "" && (uid < 0 || gid < 0), "--output-owner: %q is not UID:GID in numbers; write for example 65532:65532", c.OutputOwner)...)
}

func (c Config) outputFaults() []error {
	var faults []error
	seen := map[string]bool{}
	for i, o := range c.Outputs() {
		entry := c.OutputSecrets[i]
		_, sub, given := strings.Cut(entry, "=")
		faults = append(faults, nameFaults("output-secret", o.Name, validation.IsDNS1123Subdomain)...)
		if o.Namespace != "" {
			faults = append(faults, nameFaults("output-secret", o.Namespace, validation.IsDNS1123Label)...)
		}
		faults = append(faults, faultIf(o.Namespace == "" && c.Mode != Sidecar,
			"--output-secret: %q: it is not said in which namespace; write NAMESPACE/%s", entry, o.Name)...)
		faults = append(faults, faultIf(o.Namespace != "" && len(c.Namespaces) > 0 && !slices.Contains(c.Namespaces, o.Namespace),
			"--output-secret: %q: namespace %q is not among those served; add it to --namespace", entry, o.Namespace)...)
		faults = append(faults, faultIf(given && (!filepath.IsLocal(sub) || strings.Contains(sub, "..")),
			"--output-secret: %q: %q is not a directory below --output-directory; write for example %s=web", entry, sub, o.Name)...)
		for _, taken := range []string{"directory " + o.Directory, "Secret " + o.Namespace + "/" + o.Name} {
			faults = append(faults, faultIf(seen[taken], "--output-secret: %q: %s is in the list already; give each Secret a directory of its own, as in %s=web", entry, taken, o.Name)...)
			seen[taken] = true
		}
	}
	return faults
}

// fileNotices tells what a sidecar does not do.
func (c Config) fileNotices() []string {
	if c.Mode == Sidecar && !c.runsAnything() {
		return []string{fmt.Sprintf("--mode=%s: files are written, and nothing else is done; --controllers would say what to keep", Sidecar)}
	}
	if len(c.Namespaces) > 0 && slices.Contains(c.Controllers, string(CABundles)) {
		return []string{"--controllers: \"cabundles\" does nothing with --namespace: what bundles are injected into lies outside all namespaces"}
	}
	return nil
}
