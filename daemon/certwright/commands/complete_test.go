package commands

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Completion goes through cobra's hidden command, as a shell does.
func TestCompletion(t *testing.T) {
	const noFiles = ":4\n"
	const told = "Completion ended with directive: ShellCompDirectiveNoFileComp\n"
	for line, want := range map[string]string{
		"__complete status certificate _":     noFiles,
		"__complete status certificate w":     "web\n" + noFiles,
		"__complete status certificate web w": noFiles,
		"__complete renew web a":              "api\n" + noFiles,
		"__complete approve w":                "web-1\n" + noFiles,
		"__complete inspect secret w":         "web-tls\n" + noFiles,
		"__complete status -n n":              "ns\n" + noFiles,
		"__complete status certificate -o j":  "json\nyaml\n" + noFiles,
	} {
		b := newBench([]runtime.Object{certificate("ns", "web"), certificate("ns", "api"), request("web-1")},
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web-tls"}},
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns"}})
		b.expect(t, line, exitOK, want, told)
	}
}

// A cluster that refuses gives no proposals, and no noise in the prompt.
func TestCompletionRefused(t *testing.T) {
	b := newBench([]runtime.Object{certificate("ns", "web")})
	b.fail("list", "certificates", forbidden("certificates"), 1)
	b.expect(t, "__complete renew w", exitOK, ":4\n", "Completion ended with directive: ShellCompDirectiveNoFileComp\n")
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		b := newBench(nil)
		if code := b.run(t, "completion "+shell); code != exitOK || b.out.Len() == 0 {
			t.Errorf("%s: %d %s", shell, code, b.err.String())
		}
	}
}
