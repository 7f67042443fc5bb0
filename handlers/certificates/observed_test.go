package certificates_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/apply"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// observed is the fixture at rest as the handler observes it; edits change it.
func observed(t *testing.T, edits ...func(*certificates.Observed)) certificates.Observed {
	t.Helper()
	f := handlertest.AtRest(t)
	o := certificates.Observed{
		Certificate: f.Certificate, Owner: "web", Secret: f.Secret,
		Stored: certificates.Stored{Key: f.Key, Certificate: f.Leaf},
		Wanted: apply.Content{
			Namespace: f.Secret.Namespace, Name: f.Secret.Name, Type: f.Secret.Type,
			Labels: f.Secret.Labels, Annotations: f.Secret.Annotations, Data: f.Secret.Data,
		},
		Revision: 1, Current: f.Request, Path: certificates.Immediate,
		Settings: handlertest.Defaults().Certificates,
	}
	for _, e := range edits {
		e(&o)
	}
	return o
}

// say is a step in one line: what it is, what it changes, what it tells.
//
//	Request 2 | Normal Issuing: message
//	Settle Ready=False/Expired Issuing=True/Renewing | Warning Reason: message
func say(step certificates.Step) string {
	told := func(e *certificates.Event) string {
		if e == nil {
			return ""
		}
		return fmt.Sprintf(" | %s %s: %s", e.Type, e.Reason, e.Message)
	}
	switch s := step.(type) {
	case certificates.Rest:
		return fmt.Sprintf("Rest %s", s.After)
	case certificates.Settle:
		text := "Settle" + condition(s.Certificate, cmapi.CertificateConditionReady) + condition(s.Certificate, cmapi.CertificateConditionIssuing)
		if s.Issued {
			text += fmt.Sprintf(" revision=%d", *s.Certificate.Status.Revision)
		}
		return text + told(s.Event)
	case certificates.Request:
		text := fmt.Sprintf("Request %d", s.Revision)
		if s.Mends {
			text += " mends"
		}
		return text + told(s.Event)
	case certificates.KeepKey:
		if s.Mends {
			return "KeepKey mends"
		}
		return "KeepKey"
	case certificates.Discard:
		return "Discard " + s.Request.Name
	case certificates.Store:
		return "Store " + s.Request.Name
	case certificates.Redress:
		return "Redress"
	case certificates.Drop:
		return "Drop " + s.Secret.Name
	}
	return fmt.Sprintf("%T", step)
}

func condition(crt *cmapi.Certificate, kind cmapi.CertificateConditionType) string {
	c := api.CertificateCondition(crt, kind)
	if c == nil {
		return ""
	}
	return fmt.Sprintf(" %s=%s/%s", kind, c.Status, c.Reason)
}

// wantStep compares a step with what it should say; "..." at the end stands
// for any further words.
func wantStep(t *testing.T, got certificates.Step, want string) {
	t.Helper()
	said := say(got)
	if beginning, open := strings.CutSuffix(want, "..."); open && strings.HasPrefix(said, beginning) {
		return
	}
	if said != want {
		t.Errorf("got  %s\nwant %s", said, want)
	}
}

var errGarbage = errors.New("no PEM block found")
