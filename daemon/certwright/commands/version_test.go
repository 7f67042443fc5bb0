package commands

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	b := newBench(nil)
	if code := b.run(t, "version"); code != 0 || !strings.Contains(b.out.String(), "serves     cert-manager.io/v1, acme.cert-manager.io/v1\n") {
		t.Error(code, b.out.String())
	}
	for _, format := range []string{"json", "yaml"} {
		if code := b.run(t, "version -o "+format); code != 0 || !strings.Contains(b.out.String(), "goVersion") {
			t.Error(code, b.out.String())
		}
	}
	b.expect(t, "version -o xml", exitUsage, "", "Error: -o \"xml\" is no output; write json or yaml, or leave it out for text\nSee \"certwright version --help\".\n")
}

func TestBuildInfo(t *testing.T) {
	recorded := &debug.BuildInfo{
		Main:     debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}},
	}
	for _, c := range []struct {
		version, commit string
		recorded        *debug.BuildInfo
		want            [2]string
	}{
		{"", "", nil, [2]string{"unknown", "unknown"}},
		{"", "", recorded, [2]string{"v1.2.3", "abc-modified"}},
		{"v9", "def", recorded, [2]string{"v9", "def"}},
		{"", "", &debug.BuildInfo{}, [2]string{"unknown", "unknown"}},
	} {
		got := newBuildInfo(c.version, c.commit, c.recorded)
		if got.Version != c.want[0] || got.Commit != c.want[1] {
			t.Errorf("%+v, want %v", got, c.want)
		}
	}
}
