package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"github.com/certwright/certwright/daemon/config/nearest"
)

// What a configuration file must say it is.
const (
	APIVersion = "certwright.dev/v1alpha1"
	Kind       = "Configuration"
)

// document is a configuration file that was read, before its values are set.
type document struct {
	path   string
	values map[string]any
}

// readFile reads the file at path; an empty path is an empty document. Its
// error joins all unknown keys; the document then holds the known ones, so
// that their faults are told in the same run.
func readFile(path string) (document, error) {
	if path == "" {
		return document{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return document{}, fmt.Errorf("--config: %w", err)
	}
	return parseFile(path, text)
}

func parseFile(path string, text []byte) (document, error) {
	d := document{path: path, values: map[string]any{}}
	// The YAML library would read the first document and drop the others.
	if bytes.Contains(append([]byte("\n"), bytes.TrimPrefix(text, []byte("---"))...), []byte("\n---")) {
		return document{}, fmt.Errorf("%s: it holds several YAML documents; a configuration is one, remove the lines ---", path)
	}
	// Strict, since the second of two equal keys would win unseen.
	if err := yaml.UnmarshalStrict(text, &d.values); err != nil {
		return document{}, fmt.Errorf("%s: not a YAML mapping of options: %w", path, err)
	}
	return d, errors.Join(append(d.typeFaults(), d.keyFaults()...)...)
}

// typeFaults reports a file that is meant for another program or version.
func (d document) typeFaults() []error {
	var faults []error
	for _, want := range [][2]string{{"apiVersion", APIVersion}, {"kind", Kind}} {
		if got := d.values[want[0]]; got != want[1] {
			faults = append(faults, fmt.Errorf("%s: %s is %s; write %s: %s", d.path, want[0], quoteAny(got), want[0], want[1]))
		}
		delete(d.values, want[0])
	}
	return faults
}

func (d document) keyFaults() []error {
	known := []string{webhooksKey}
	for _, o := range Options() {
		known = append(known, o.Key())
	}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(d.values)) {
		if !slices.Contains(known, key) {
			faults = append(faults, fmt.Errorf("%s: there is no option %q%s", d.path, key, nearest.Hint(key, known)))
		}
	}
	return faults
}

// setAny sets a value from what YAML made of the file. The source names the
// file and key for the error.
func setAny(value pflag.Value, v any, source string) error {
	list, isList := value.(pflag.SliceValue)
	items, given := v.([]any)
	switch {
	case isList && given:
		texts := make([]string, len(items))
		for i, item := range items {
			text, ok := scalar(item)
			if !ok {
				return fmt.Errorf("%s[%d]: %s is not a text", source, i, quoteAny(item))
			}
			texts[i] = text
		}
		return list.Replace(texts)
	case v == nil:
		return fmt.Errorf("%s: it has no value; give one, or remove the key for the default", source)
	}
	text, ok := scalar(v)
	if !ok {
		return fmt.Errorf("%s: %s is not %s", source, quoteAny(v), wanted(value))
	}
	return setText(value, text, source)
}

// scalar turns a YAML scalar into the text that a flag would be given.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// quoteAny shows a value of the file in an error.
func quoteAny(v any) string {
	if v == nil {
		return "missing"
	}
	if text, ok := scalar(v); ok {
		return strconv.Quote(text)
	}
	text, err := yaml.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%v", v)
	}
	return strconv.Quote(strings.TrimSpace(string(text)))
}
