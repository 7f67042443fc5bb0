// Command rbac proves that the shipped roles are the least that works. It runs the
// end-to-end tests, and those of package scenes, with the daemon as the service
// account of deploy/rbac, of deploy/namespaced and of deploy/sidecar. Each control
// plane has RBAC, an audit log, strict owner references and a recorder of what its
// authorizer is asked; nobody but those roles allows the daemon anything.
//
// A right that nobody used is one too many: take it away, or write the scene that
// needs it. A refusal is a right too few.
//
//	go run ./rbac
//	rights R unused 0 missing 0
//
// With -keep DIR the records of the tests stay in DIR; with -records DIR nothing is
// run, and the records of an earlier -keep are judged.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/certwright/certwright/test/harness"
)

// install is one way to run the daemon: a set of roles, and who has them.
type install struct {
	folder  []string
	account string
}

// installs are all there are. The namespaces of all but the first are those of package
// scenes.
var installs = []install{
	{[]string{"deploy", "rbac"}, "system:serviceaccount:cert-manager:certwright"},
	{[]string{"deploy", "namespaced"}, "system:serviceaccount:tenant:certwright"},
	{[]string{"deploy", "sidecar"}, "system:serviceaccount:beside:webhook"},
	{[]string{"deploy", "sidecar-issuing"}, "system:serviceaccount:beside-issuing:webhook"},
}

// bound ends a proof that hangs; it takes some eight minutes.
const bound = 40 * time.Minute

func main() {
	keep := flag.String("keep", "", "a folder to leave the records in")
	records := flag.String("records", "", "run nothing, judge the records in this folder")
	atOnce := flag.Int("p", 1, "how many suites run at a time; each has a control plane of its own")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, bound)
	err := prove(ctx, *keep, *records, *atOnce)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "The proof failed:", err)
		os.Exit(1)
	}
}

func prove(ctx context.Context, keep, folder string, atOnce int) (err error) {
	progress := harness.NewProgress(os.Stdout)
	if folder == "" {
		if folder = keep; keep == "" {
			if folder, err = os.MkdirTemp("", "certwright-rbac-"); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
		}
		if err := runAll(ctx, progress, folder, atOnce); err != nil {
			return err
		}
	}
	records, err := read(folder)
	if err != nil {
		return err
	}
	return judge(progress, records)
}

// read reads what the tests left.
func read(folder string) ([]harness.RightsRecord, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no records in %s", folder)
	}
	var all []harness.RightsRecord
	for _, file := range files {
		text, failed := os.ReadFile(file)
		var record harness.RightsRecord
		err = errors.Join(err, failed, json.Unmarshal(text, &record))
		all = append(all, record)
	}
	return all, err
}

// judge compares each install and prints the verdict.
func judge(progress *harness.Progress, records []harness.RightsRecord) error {
	var rights, unused, missing int
	for _, in := range installs {
		dir, err := harness.Folder(in.folder...)
		if err != nil {
			return err
		}
		manifests, err := harness.ReadManifests(dir)
		if err != nil {
			return err
		}
		granted, err := rightsIn(given(manifests))
		if err != nil {
			return err
		}
		name := filepath.Join(in.folder...)
		v := compare(granted, in.account, records)
		progress.Line("%-22s rights %d unused %d missing %d", name, v.rights, len(v.unused), len(v.missing))
		for _, r := range v.unused {
			progress.Line("  unused   %s", r)
		}
		for _, u := range v.missing {
			progress.Line("  missing  %s %s/%s in %q, name %q: %s", u.Verb, u.Group, u.Resource, u.Namespace, u.Name, u.Words)
		}
		rights, unused, missing = rights+v.rights, unused+len(v.unused), missing+len(v.missing)
	}
	progress.Line("rights %d unused %d missing %d", rights, unused, missing)
	if unused+missing > 0 {
		return fmt.Errorf("%d rights are not used, and %d are missing", unused, missing)
	}
	return nil
}
