package queuetest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certwright/certwright/queue"
	"github.com/certwright/certwright/queue/queuetest"
)

var (
	web    = queue.Key{Kind: queue.Certificate, Namespace: "team-a", Name: "web"}
	issuer = queue.Key{Kind: queue.Issuer, Namespace: "team-a", Name: "ca"}
)

func TestRecorderKeepsOrderDelaysAndDuplicates(t *testing.T) {
	var r queuetest.Recorder
	r.Add(issuer)
	r.AddAfter(web, time.Minute)
	r.AddAfter(web, -time.Second)

	want := []queuetest.Added{{Key: issuer}, {Key: web, After: time.Minute}, {Key: web}}
	if diff := r.Diff(want...); diff != "" {
		t.Error(diff)
	}
	if diff := r.DiffKeys(issuer, web, issuer); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]queue.Key{web, issuer}, r.Keys()); diff != "" {
		t.Error(diff)
	}
}

func TestRecorderShowsWhatDiffers(t *testing.T) {
	var r queuetest.Recorder
	if diff := r.Diff(); diff != "" {
		t.Errorf("nothing wanted, nothing added: %s", diff)
	}
	r.Add(web)
	if diff := r.DiffKeys(issuer); !strings.Contains(diff, "web") || !strings.Contains(diff, "ca") {
		t.Errorf("diff names neither the missing nor the unwanted key:\n%s", diff)
	}
	if diff := r.Diff(queuetest.Added{Key: web, After: time.Second}); diff == "" {
		t.Error("a delay that differs is not seen")
	}
}

func TestRecorderTake(t *testing.T) {
	var r queuetest.Recorder
	r.Add(web)
	if diff := cmp.Diff([]queuetest.Added{{Key: web}}, r.Take()); diff != "" {
		t.Error(diff)
	}
	if diff := r.Diff(); diff != "" {
		t.Errorf("after Take: %s", diff)
	}
}
