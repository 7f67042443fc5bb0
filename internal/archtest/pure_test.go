package archtest

import (
	"path"
	"testing"
)

// pure are the packages without a context, client, clock, logger or file.
var pure = []string{"internal/api", "internal/pki", "internal/rules", "internal/shards", "internal/verdict", "internal/webhookset", "internal/when"}

// isPure reports also the files that decide: one in each handler.
func isPure(f file) bool {
	return shipped(f) && (under(f.folder, pure...) || under(f.folder, "handlers") && path.Base(f.path) == "decide.go")
}

// outside is what pure code must not touch, and why.
var outside = map[string]string{
	"context":            "what cannot wait need not be stopped",
	"k8s.io/client-go":   "what is decided on was observed before",
	"k8s.io/klog":        "the worker logs",
	"log":                "the worker logs",
	"log/slog":           "the worker logs",
	"k8s.io/utils/clock": "pure code takes now",
	"net/http":           "what is decided on was observed before",
	"os":                 "what is decided on was observed before",
	"sync":               "pure code has no state",
	"github.com/cert-manager/cert-manager/pkg/client": "what is decided on was observed before",
}

func TestPureCodeImportsNothingFromOutside(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, isPure) {
		for _, target := range f.imports {
			for root, why := range outside {
				if under(target, root) {
					t.Errorf("%s imports %s: %s", f.path, target, why)
				}
			}
		}
	}
}

func TestPureCodeTakesTheTime(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, isPure) {
		for _, call := range f.calls() {
			switch call {
			case "time.Now", "time.Since", "time.Until", "time.After", "time.NewTimer", "time.NewTicker", "time.AfterFunc",
				"k8s.io/apimachinery/pkg/apis/meta/v1.Now":
				t.Errorf("%s calls %s: pure code takes now", f.path, call)
			}
		}
	}
}

// Every handler decides in a file of its own, but those that only translate.
func TestHandlersDecideInAFileOfItsOwn(t *testing.T) {
	t.Parallel()
	without := map[string]string{
		"handlers":                        "the contract of handlers, no handler",
		"handlers/issuers":                "what a backend says is copied to the status",
		"handlers/issuers/":               "backends answer questions",
		"handlers/challenges/":            "solvers do what they are told",
		"handlers/challenges/dns01/":      "so do providers",
		"handlers/challenges/dns01/lego/": "words have nothing to decide",
	}
	deciding, all := map[string]bool{}, map[string]bool{}
	for _, f := range files(t, func(f file) bool { return shipped(f) && under(f.folder, "handlers") && !under(f.folder, support...) }) {
		all[f.folder] = true
		if path.Base(f.path) == "decide.go" {
			deciding[f.folder] = true
		}
	}
	for folder := range all {
		if !deciding[folder] && without[folder] == "" && without[path.Dir(folder)+"/"] == "" {
			t.Errorf("%s has no decide.go", folder)
		}
	}
}
