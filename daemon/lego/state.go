package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/go-acme/lego/v4/challenge"
)

// Many providers remember by the challenge's token which record they made, in a
// map that they do not show, and remove no other one. Their CleanUp is called in
// another process here, so these maps are taken along.

// memories gives the maps of a provider that are keyed by strings, by field.
func memories(p challenge.Provider) map[string]reflect.Value {
	found := map[string]reflect.Value{}
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return found
	}
	v = v.Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.IsExported() || field.Type.Kind() != reflect.Map || field.Type.Key().Kind() != reflect.String || !plain(field.Type.Elem()) {
			continue
		}
		// The field is settable only by its address: it is not exported.
		found[field.Name] = reflect.NewAt(field.Type, unsafe.Pointer(v.Field(i).UnsafeAddr())).Elem() //nolint:gosec // of its own type, while p is alive
	}
	return found
}

// plain are the types that JSON brings back as they were.
func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer:
		return plain(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !t.Field(i).IsExported() || !plain(t.Field(i).Type) {
				return false
			}
		}
		return true
	case reflect.Slice:
		return plain(t.Elem())
	}
	return t.Kind() == reflect.String || t.Kind() == reflect.Bool || reflect.Int <= t.Kind() && t.Kind() <= reflect.Uint64
}

func keeps(p challenge.Provider) bool { return len(memories(p)) > 0 }

// save gives what a provider remembers; nil when that is nothing.
func save(p challenge.Provider) json.RawMessage {
	all := map[string]any{}
	for name, m := range memories(p) {
		if m.Len() > 0 {
			all[name] = m.Interface()
		}
	}
	if len(all) == 0 {
		return nil
	}
	state, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	return state
}

// restore gives a provider its memory back.
func restore(p challenge.Provider, state json.RawMessage) error {
	if len(state) == 0 {
		return nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(state, &all); err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	for name, m := range memories(p) {
		if one, ok := all[name]; ok {
			if err := json.Unmarshal(one, m.Addr().Interface()); err != nil {
				return fmt.Errorf("read the state %s: %w", name, err)
			}
		}
	}
	return nil
}
