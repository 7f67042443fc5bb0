package secretfiles

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/internal/filedir"
	"github.com/certwright/certwright/queue"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
)

var output = Output{Namespace: "shop", Name: "web-tls", CertKey: "tls.crt", KeyKey: "tls.key", CAKey: "ca.crt", Directory: "certs"}

// pair is what a TLS Secret holds.
func pair(t *testing.T) map[string][]byte {
	a := handlertest.NewAuthority(t, "Test CA")
	return map[string][]byte{"tls.crt": a.PEM, "tls.key": handlertest.KeyPEM(t, a.Key), "ca.crt": a.PEM}
}

func secret(data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-tls"}, Data: data}
}

func without(data map[string][]byte, key string) map[string][]byte {
	data = maps.Clone(data)
	delete(data, key)
	return data
}

func with(data map[string][]byte, key string, value []byte) map[string][]byte {
	data = maps.Clone(data)
	data[key] = value
	return data
}

func TestNext(t *testing.T) {
	t.Parallel()
	good, other := pair(t), pair(t)
	for name, row := range map[string]struct {
		o    Observed
		want Step
		why  string // of a Keep
	}{
		"new":                  {Observed{Secret: secret(good)}, Write{good}, ""},
		"equal":                {Observed{Secret: secret(good), Files: good}, Rest{}, ""},
		"renewed":              {Observed{Secret: secret(other), Files: good}, Write{other}, ""},
		"without CA":           {Observed{Secret: secret(without(good, "ca.crt")), Files: good}, Write{without(good, "ca.crt")}, ""},
		"other data":           {Observed{Secret: secret(with(good, "keystore.jks", []byte("x"))), Files: good}, Rest{}, ""},
		"missing":              {Observed{}, nil, "the Secret shop/web-tls does not exist: create it"},
		"deleted":              {Observed{Files: good}, nil, "the Secret shop/web-tls does not exist"},
		"deleted, to be gone":  {Observed{Files: good, RemoveDeleted: true}, Remove{}, ""},
		"gone":                 {Observed{RemoveDeleted: true}, Rest{}, ""},
		"no certificate":       {Observed{Secret: secret(without(good, "tls.crt")), Files: good}, nil, "the Secret shop/web-tls: tls.crt is missing"},
		"no key":               {Observed{Secret: secret(without(good, "tls.key"))}, nil, "the Secret shop/web-tls: tls.key is missing"},
		"empty key":            {Observed{Secret: secret(with(good, "tls.key", nil))}, nil, "the Secret shop/web-tls: tls.key is missing"},
		"key of another":       {Observed{Secret: secret(with(good, "tls.key", other["tls.key"])), Files: good}, nil, "the Secret shop/web-tls: tls.key is not the key of the certificate in tls.crt"},
		"garbage certificate":  {Observed{Secret: secret(with(good, "tls.crt", []byte("x")))}, nil, "the Secret shop/web-tls: tls.crt: certificate: no PEM block found: store a PEM"},
		"garbage key":          {Observed{Secret: secret(with(good, "tls.key", []byte("x")))}, nil, "the Secret shop/web-tls: tls.key: "},
		"garbage CA":           {Observed{Secret: secret(with(good, "ca.crt", []byte("x")))}, nil, "the Secret shop/web-tls: ca.crt: "},
		"incomplete, not gone": {Observed{Secret: secret(nil), Files: good, RemoveDeleted: true}, nil, "the Secret shop/web-tls: tls.crt is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.o.Output = output
			got := Next(row.o)
			if keep, ok := got.(Keep); ok {
				if row.why == "" || !strings.HasPrefix(keep.Why.Error(), row.why) || strings.Contains(keep.Why.Error(), "PRIVATE") {
					t.Errorf("got %v, want %q", keep.Why, row.why)
				}
				return
			}
			if diff := cmp.Diff(row.want, got, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("step (-want +got):\n%s", diff)
			}
		})
	}
}

// The data keys of a set of webhook certificates need not be those of the files.
func TestOtherDataKeys(t *testing.T) {
	t.Parallel()
	good := pair(t)
	o := output
	o.CertKey, o.KeyKey, o.CAKey = "server.pem", "server-key.pem", "bundle"
	got := Next(Observed{Output: o, Secret: secret(map[string][]byte{
		"server.pem": good["tls.crt"], "server-key.pem": good["tls.key"], "bundle": good["ca.crt"]})})
	if diff := cmp.Diff(Step(Write{good}), got); diff != "" {
		t.Errorf("step (-want +got):\n%s", diff)
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	good, renewed := pair(t), pair(t)
	var stored *corev1.Secret
	o := output
	o.Directory = filepath.Join(t.TempDir(), "deep", "certs")
	clock := clocktesting.NewFakePassiveClock(time.Now())
	h := &Handler{Secret: func(string, string) *corev1.Secret { return stored }, Outputs: []Output{o},
		Dir: filedir.Dir{Mode: 0o600, UID: -1, GID: -1}, Clock: clock}
	handle := func(after time.Duration, terminal, stand bool) {
		t.Helper()
		result, err := h.Handle(t.Context(), o.Key())
		if result.After != after || queue.IsTerminal(err) != terminal || err != nil && !terminal || h.AllStand() != stand {
			t.Errorf("got %s, %v, all stand: %t", result.After, err, h.AllStand())
		}
	}
	handle(0, true, false) // no Secret yet
	stored = secret(without(good, "tls.key"))
	handle(0, true, false)
	stored = secret(good)
	handle(0, false, true)
	handle(0, false, true)
	stored = secret(renewed)
	handle(linger, false, true) // the replaced version is still there for readers
	handle(linger, false, true)
	clock.SetTime(clock.Now().Add(2 * linger))
	handle(0, false, true)
	entries, err := os.ReadDir(o.Directory)
	if err != nil || len(entries) != 5 { // a version, ..data and three links
		t.Errorf("left are %v, %v", entries, err)
	}
	stored = nil
	handle(0, true, true) // deleted: the files stay
	if text, err := os.ReadFile(filepath.Join(o.Directory, "tls.key")); err != nil || !bytes.Equal(text, renewed["tls.key"]) {
		t.Errorf("the key is gone: %v", err)
	}
	h.RemoveDeleted = true
	handle(0, false, false)
	if entries, err := os.ReadDir(o.Directory); err != nil || len(entries) > 0 {
		t.Errorf("left are %v, %v", entries, err)
	}
	if result, err := h.Handle(t.Context(), queue.Key{Kind: queue.SecretFiles, Name: "another"}); err != nil || result != (queue.Result{}) {
		t.Errorf("a key of nobody's: %v, %v", result, err)
	}
}
