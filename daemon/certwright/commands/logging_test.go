package commands

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A collector that reads the logs of Kubernetes' programs reads ours.
func TestLogInJSON(t *testing.T) {
	var out bytes.Buffer
	logger := jsonLogger(&out, 2)
	before := time.Now().Add(-time.Second)
	logger.Info("At work", "certificates", 3)
	logger.V(2).WithName("orders").WithValues("key", "order shop/web").Info("Step")
	logger.V(3).Info("More than was asked for")
	logger.Error(errors.New("refused"), "Cannot go on", "kind", "order", "object", "shop/web-1")
	logger.WithValues("kind", "clusterissuer", "object", "public").Info("Checked")
	var got []map[string]any
	for line := range strings.Lines(out.String()) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		ts, _ := object["ts"].(float64)
		if at := time.UnixMilli(int64(ts)); at.Before(before) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("ts is %v", object["ts"])
		}
		delete(object, "ts")
		got = append(got, object)
	}
	want := []map[string]any{
		{"level": "info", "v": 0., "msg": "At work", "certificates": 3.},
		{"level": "info", "v": 2., "msg": "Step", "logger": "orders", "key": "order shop/web"},
		{"level": "error", "msg": "Cannot go on", "err": "refused", "kind": "order", "object": "shop/web-1", "namespace": "shop", "name": "web-1"},
		{"level": "info", "v": 0., "msg": "Checked", "kind": "clusterissuer", "object": "public", "name": "public"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
