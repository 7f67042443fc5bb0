package venafi

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/Venafi/vcert/v5/pkg/certificate"
)

// customField is an entry of the annotation venafi.cert-manager.io/custom-fields.
type customField struct {
	Type  string `json:"type,omitempty"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// parseFields reads the annotation of that name. Errors: it names the fault and
// the remedy.
func parseFields(text, name string) ([]customField, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	const remedy = `write it as [{"name": "FIELD", "value": "TEXT"}]`
	var fields []customField
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return nil, fmt.Errorf("metadata.annotations[%s]: it is no list of fields in JSON: %s", name, remedy)
	}
	for i, f := range fields {
		switch {
		case f.Name == "":
			return nil, fmt.Errorf("metadata.annotations[%s]: entry %d has no name: %s", name, i+1, remedy)
		case f.Type != "" && f.Type != "Plain":
			return nil, fmt.Errorf("metadata.annotations[%s]: entry %d has the type %q: write Plain, or leave it out", name, i+1, f.Type)
		}
	}
	return fields, nil
}

// merged are the fields of the issuer, but for those that the request has too.
func merged(issuer, request []customField) []certificate.CustomField {
	var all []certificate.CustomField
	for _, f := range issuer {
		if !slices.ContainsFunc(request, func(o customField) bool { return o.Name == f.Name }) {
			all = append(all, f.library())
		}
	}
	for _, f := range request {
		all = append(all, f.library())
	}
	return all
}

func (f customField) library() certificate.CustomField {
	return certificate.CustomField{Type: certificate.CustomFieldPlain, Name: f.Name, Value: f.Value}
}
