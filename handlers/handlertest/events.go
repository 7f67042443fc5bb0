package handlertest

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
)

// recorder writes events down instead of sending them.
type recorder struct{ world *World }

// Event records that something happened to an object.
func (r recorder) Event(about runtime.Object, kind, reason, message string) {
	name := fmt.Sprintf("%T", about)
	if o, ok := about.(object); ok {
		name = kindOf(o) + "/" + o.GetName()
	}
	r.world.Events = append(r.world.Events, fmt.Sprintf("%s %s %s: %s", name, kind, reason, message))
}

// Eventf is Event with a format.
func (r recorder) Eventf(about runtime.Object, kind, reason, format string, args ...any) {
	r.Event(about, kind, reason, fmt.Sprintf(format, args...))
}

// AnnotatedEventf is Eventf; no handler annotates its events.
func (r recorder) AnnotatedEventf(about runtime.Object, _ map[string]string, kind, reason, format string, args ...any) {
	r.Eventf(about, kind, reason, format, args...)
}
