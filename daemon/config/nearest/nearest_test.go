package nearest

import "testing"

func TestWord(t *testing.T) {
	known := []string{"namespace", "kubeconfig", "kube-api-qps", "kube-api-burst", "v"}
	for word, want := range map[string]string{
		"namespaces":   "namespace",  // one more
		"namespce":     "namespace",  // one less
		"nmaespace":    "namespace",  // two swapped
		"kubecofnig":   "kubeconfig", // two swapped
		"kube-api-qsp": "kube-api-qps",
		"x":            "", // a short word is near to every short word
		"vv":           "",
		"certificate":  "",
		"":             "",
	} {
		if got := Word(word, known); got != want {
			t.Errorf("Word(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestHint(t *testing.T) {
	if got, want := Hint("nmaespace", []string{"namespace"}), `; did you mean "namespace"?`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Hint("zzz", []string{"namespace"}); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}
