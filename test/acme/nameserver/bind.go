package nameserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/certwright/certwright/test/harness"
)

// startBIND runs named in the foreground, with nothing of the machine's own
// configuration.
func (s *Server) startBIND(ctx context.Context, named, dir, host, port string) error {
	s.Program = "BIND"
	for _, z := range zonesAt(host) {
		if err := os.WriteFile(filepath.Join(dir, z.name), []byte(z.file(host)), 0o600); err != nil {
			return err
		}
	}
	configuration := filepath.Join(dir, "named.conf")
	if err := os.WriteFile(configuration, []byte(s.configuration(dir, host, port)), 0o600); err != nil {
		return err
	}
	process, err := harness.StartProcess(harness.ProcessOptions{
		Name: "named", Path: named, Dir: dir, Args: []string{"-g", "-n", "1", "-c", configuration},
	})
	if err != nil {
		return err
	}
	s.close = process.Stop
	return process.Until(ctx, s.answers)
}

func (s *Server) configuration(dir, host, port string) string {
	var text strings.Builder
	fmt.Fprintf(&text, `options {
	directory %q;
	pid-file none;
	session-keyfile none;
	listen-on port %s { %s; };
	listen-on-v6 { none; };
	recursion no;
	notify no;
	dnssec-validation no;
	empty-zones-enable no;
	allow-transfer { key %q; };
	max-journal-size 1m;
};
controls { };
`, dir, port, host, s.Key.Name)
	for _, key := range []Key{s.Key, s.Powerless} {
		fmt.Fprintf(&text, "key %q { algorithm hmac-sha256; secret %q; };\n", key.Name, key.Secret)
	}
	for _, z := range zonesAt(host) {
		fmt.Fprintf(&text, "zone %q { type primary; file %q; ", z.name, z.name)
		if z.open {
			fmt.Fprintf(&text, "update-policy { grant %s wildcard *.%s TXT; }; ", s.Key.Name, z.name)
		}
		text.WriteString("};\n")
	}
	return text.String()
}
