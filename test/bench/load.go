package main

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/certwright/certwright/test/harness"
)

// The benchmark shares two cores with what it measures, so its own calls send
// bytes that are ready and do not read the answers.

// createAll creates Certificates numbered from first up to the end of the run.
func (w *world) createAll(ctx context.Context, seen *observer) error {
	bodies := make([][]byte, w.n)
	for i := range bodies {
		body, err := w.manifest(i)
		if err != nil {
			return err
		}
		bodies[i] = body
	}
	return w.each(ctx, func(i int) error {
		ns, name := w.place(i)
		seen.begin(ns, name)
		return w.client().Post().Namespace(ns).Resource("certificates").Body(bodies[i]).Do(ctx).Error()
	})
}

// createCall and renewCall are how the API server counts our own calls.
var (
	createCall = harness.Call{Verb: "POST", Group: "cert-manager.io", Resource: "certificates"}
	renewCall  = harness.Call{Verb: "PATCH", Group: "cert-manager.io", Resource: "certificates", Subresource: "status"}
)

// renewAll asks for the renewal of all Certificates, as `cmctl renew --all` does.
func (w *world) renewAll(ctx context.Context, seen *observer) error {
	patch, err := renewal(time.Now())
	if err != nil {
		return err
	}
	return w.each(ctx, func(i int) error {
		ns, name := w.place(i)
		seen.begin(ns, name)
		return w.client().Patch(types.JSONPatchType).Namespace(ns).Resource("certificates").Name(name).
			SubResource("status").Body(patch).Do(ctx).Error()
	})
}

// renewal appends the condition, so one patch fits every Certificate that has
// conditions and it needs no resource version.
func renewal(now time.Time) ([]byte, error) {
	at := metav1.NewTime(now.Truncate(time.Second))
	return json.Marshal([]map[string]any{{
		"op": "add", "path": "/status/conditions/-",
		"value": cmapi.CertificateCondition{
			Type: cmapi.CertificateConditionIssuing, Status: "True", Reason: "ManuallyTriggered",
			Message: "Certificate re-issuance manually triggered", LastTransitionTime: &at,
		},
	}})
}

// each calls f for the numbers of all Certificates, some at a time, and stops
// at the first error.
func (w *world) each(ctx context.Context, f func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var workers sync.WaitGroup
	for range w.creators {
		workers.Go(func() {
			for i := range numbers {
				if err := f(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range w.n {
		if ctx.Err() != nil {
			break
		}
		numbers <- i
	}
	close(numbers)
	workers.Wait()
	return context.Cause(ctx)
}

func (w *world) client() rest.Interface {
	return w.stage.Clients.CertManager.CertmanagerV1().RESTClient()
}
