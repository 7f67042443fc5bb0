package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/certwright/certwright/daemon/config/nearest"
	"github.com/certwright/certwright/internal/webhookset"
)

// webhooksKey is the only key of the file that is a structure, and so has no
// flag and no environment variable.
const webhooksKey = "webhookCertificates"

// presets are the sets known by name.
var presets = map[string]func() webhookset.Set{"btp-manager": webhookset.BTPManager}

// setEntry is a set as the file says it. What is empty keeps its default, so
// that every field is a text, a list or a structure of those.
type setEntry struct {
	Preset       string            `json:"preset"`
	Name         string            `json:"name"`
	Namespace    string            `json:"namespace"`
	CASecret     caEntry           `json:"caSecret"`
	ServerSecret secretEntry       `json:"serverSecret"`
	Service      string            `json:"service"`
	DNSNames     []string          `json:"dnsNames"`
	Webhooks     *hooksEntry       `json:"webhooks"`
	CADuration   string            `json:"caDuration"`
	Duration     string            `json:"serverDuration"`
	RenewBefore  string            `json:"renewBefore"`
	Key          keyEntry          `json:"key"`
	OnDrift      string            `json:"onBundleDrift"`
	Trigger      *triggerEntry     `json:"trigger"`
	GraceTime    string            `json:"graceTime"`
	Propagation  string            `json:"propagationTime"`
	Probe        *bool             `json:"probe"`
	Labels       map[string]string `json:"labels"`
}

type secretEntry struct {
	Name    string `json:"name"`
	CertKey string `json:"certificateKey"`
	KeyKey  string `json:"keyKey"`
}

type caEntry struct {
	Name        string `json:"name"`
	CertKey     string `json:"certificateKey"`
	KeyKey      string `json:"keyKey"`
	PreviousKey string `json:"previousKey"`
}

type hooksEntry struct {
	Mutating   []string `json:"mutating"`
	Validating []string `json:"validating"`
	Selector   string   `json:"selector"`
}

type keyEntry struct {
	Algorithm string `json:"algorithm"`
	Size      int    `json:"size"`
}

type triggerEntry struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
	Name    string `json:"name"`
}

// webhookSets reads the sets of a file. The error joins the faults of all of
// them; whether a set makes sense is judged by Config.Validate.
func (d document) webhookSets() ([]webhookset.Set, error) {
	value, given := d.values[webhooksKey]
	if !given {
		return nil, nil
	}
	entries, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: %s is not a list of sets; begin each with a dash", d.path, webhooksKey)
	}
	var sets []webhookset.Set
	var faults []error
	for i, e := range entries {
		set, found := readSet(e)
		for _, f := range found {
			faults = append(faults, fmt.Errorf("%s: %s[%d]: %w", d.path, webhooksKey, i, f))
		}
		sets = append(sets, set)
	}
	return sets, errors.Join(faults...)
}

func readSet(value any) (webhookset.Set, []error) {
	faults := unknownKeys(value, reflect.TypeFor[setEntry](), "")
	text, err := json.Marshal(value)
	if err != nil {
		return webhookset.Set{}, append(faults, err)
	}
	var e setEntry
	if err := json.Unmarshal(text, &e); err != nil {
		if wrong, is := errors.AsType[*json.UnmarshalTypeError](err); is {
			err = fmt.Errorf("%s: a %s is not a %s; quotes make a text of it", wrong.Field, wrong.Value, wrong.Type)
		}
		return webhookset.Set{}, append(faults, err)
	}
	set := webhookset.Default()
	if e.Preset != "" {
		preset, known := presets[e.Preset]
		if !known {
			return set, append(faults, fmt.Errorf("preset: there is no %q%s; there is btp-manager", e.Preset, nearest.Hint(e.Preset, []string{"btp-manager"})))
		}
		set = preset()
	}
	return set, append(faults, e.fill(&set)...)
}

// unknownKeys names every key of a value that its type has no field for.
func unknownKeys(value any, t reflect.Type, path string) []error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	given, ok := value.(map[string]any)
	if !ok || t.Kind() != reflect.Struct {
		return nil
	}
	fields := map[string]reflect.Type{}
	var known []string
	for f := range t.Fields() {
		fields[f.Tag.Get("json")] = f.Type
		known = append(known, f.Tag.Get("json"))
	}
	var faults []error
	for k, v := range given {
		if ft, ok := fields[k]; ok {
			faults = append(faults, unknownKeys(v, ft, path+k+".")...)
		} else {
			faults = append(faults, fmt.Errorf("there is no %q%s", path+k, nearest.Hint(k, known)))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return faults
}

// fill sets what the entry says.
func (e setEntry) fill(s *webhookset.Set) (faults []error) {
	set(&s.Name, e.Name)
	set(&s.Namespace, e.Namespace)
	set(&s.CA.Name, e.CASecret.Name)
	set(&s.CA.CertKey, e.CASecret.CertKey)
	set(&s.CA.KeyKey, e.CASecret.KeyKey)
	set(&s.PreviousKey, e.CASecret.PreviousKey)
	set(&s.Server.Name, e.ServerSecret.Name)
	set(&s.Server.CertKey, e.ServerSecret.CertKey)
	set(&s.Server.KeyKey, e.ServerSecret.KeyKey)
	set(&s.Service, e.Service)
	set((*string)(&s.OnBundleDrift), e.OnDrift)
	s.DNSNames = append(s.DNSNames, e.DNSNames...)
	if e.Probe != nil {
		s.Probe = *e.Probe
	}
	if e.Labels != nil {
		s.Labels = e.Labels
	}
	if t := e.Trigger; t != nil {
		s.Trigger = &webhookset.Trigger{Group: t.Group, Version: t.Version, Kind: t.Kind, Name: t.Name}
	}
	e.fillKey(s)
	return append(e.fillTimes(s), e.fillWebhooks(s)...)
}

func set(field *string, value string) {
	if value != "" {
		*field = value
	}
}

// rsaSize is the size of RSA keys when none is said.
const rsaSize = 2048

func (e setEntry) fillKey(s *webhookset.Set) {
	if e.Key.Algorithm != "" && e.Key.Algorithm != s.Algorithm {
		s.Algorithm = e.Key.Algorithm
		s.KeySize = map[string]int{"RSA": rsaSize, "ECDSA": 256}[e.Key.Algorithm]
	}
	if e.Key.Size != 0 {
		s.KeySize = e.Key.Size
	}
}

// fillWebhooks takes a choice of webhook configurations as a whole, so that a
// preset's is replaced and not added to.
func (e setEntry) fillWebhooks(s *webhookset.Set) []error {
	if e.Webhooks == nil {
		return nil
	}
	s.Mutating, s.Validating, s.Selector = e.Webhooks.Mutating, e.Webhooks.Validating, nil
	if e.Webhooks.Selector == "" {
		return nil
	}
	selector, err := labels.Parse(e.Webhooks.Selector)
	if err != nil {
		return []error{fmt.Errorf("webhooks.selector: %w; write for example app=shop", err)}
	}
	s.Selector = selector
	return nil
}

func (e setEntry) fillTimes(s *webhookset.Set) (faults []error) {
	for _, row := range []struct {
		field, text string
		to          *time.Duration
	}{
		{"caDuration", e.CADuration, &s.CADuration}, {"serverDuration", e.Duration, &s.ServerDuration},
		{"graceTime", e.GraceTime, &s.GraceTime}, {"propagationTime", e.Propagation, &s.PropagationTime},
	} {
		if row.text == "" {
			continue
		}
		d, err := time.ParseDuration(row.text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %q is not a duration with its unit; write for example 8760h or 3m", row.field, row.text))
			continue
		}
		*row.to = d
	}
	return append(faults, e.fillBoundary(s)...)
}

func (e setEntry) fillBoundary(s *webhookset.Set) []error {
	if e.RenewBefore == "" {
		return nil
	}
	if number, percent := strings.CutSuffix(e.RenewBefore, "%"); percent {
		n, err := strconv.Atoi(number)
		s.RenewBefore = webhookset.Boundary{Percent: n}
		return faultIf(err != nil || n < 1 || n > 99, "renewBefore: %q is no share of a life; write 1%% to 99%%", e.RenewBefore)
	}
	d, err := time.ParseDuration(e.RenewBefore)
	s.RenewBefore = webhookset.Boundary{Duration: d}
	return faultIf(err != nil, "renewBefore: %q is neither a duration nor a percentage; write for example 168h or 10%%", e.RenewBefore)
}

// webhookFaults judges the sets by themselves, against each other and against
// the namespaces served.
func (c Config) webhookFaults() []error {
	faults := webhookset.ValidateAll(c.WebhookSets)
	for i, s := range c.WebhookSets {
		outside := len(c.Namespaces) > 0 && !slices.Contains(c.Namespaces, s.Namespace)
		faults = append(faults, faultIf(outside, "%s[%d] (%s): namespace: %q is not served; add it to --namespace", webhooksKey, i, s.Name, s.Namespace)...)
	}
	return faults
}
