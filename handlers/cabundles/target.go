package cabundles

import (
	"encoding/json"
	"fmt"

	"github.com/certwright/certwright/queue"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Target is an object that bundles are injected into, as the API server has it.
type Target struct {
	Meta metav1.ObjectMeta
	// Bundles are the places for a bundle, in their order.
	Bundles []Bundle
	// Excludes says why it cannot carry a bundle; empty when it can.
	Excludes string
}

// Bundle is a place for a bundle, and what it holds.
type Bundle struct {
	Path string // as JSON patches have it (RFC 6901)
	PEM  []byte
}

type clientConfig struct {
	CABundle []byte `json:"caBundle"`
}

// The fields that count, and no more: decoding passes over the schemas of a
// CustomResourceDefinition without making anything of them.
type (
	webhookConfiguration struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
		Webhooks []struct {
			ClientConfig *clientConfig `json:"clientConfig"`
		} `json:"webhooks"`
	}
	apiService struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
		Spec     struct {
			Service  *struct{} `json:"service"`
			CABundle []byte    `json:"caBundle"`
			Insecure bool      `json:"insecureSkipTLSVerify"`
		} `json:"spec"`
	}
	customResource struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
		Spec     struct {
			Conversion *struct {
				Strategy string `json:"strategy"`
				Webhook  *struct {
					ClientConfig *clientConfig `json:"clientConfig"`
				} `json:"webhook"`
			} `json:"conversion"`
		} `json:"spec"`
	}
)

// parse reads a target of a kind. Errors: it is not JSON.
func parse(kind queue.Kind, data []byte) (*Target, error) {
	readers := map[queue.Kind]func([]byte) (*Target, error){
		queue.MutatingWebhook: parseWebhooks, queue.ValidatingWebhook: parseWebhooks,
		queue.APIService: parseAPIService, queue.CustomResource: parseCustomResource,
	}
	t, err := readers[kind](data)
	if err != nil {
		return nil, fmt.Errorf("decode the %s: %w", kind, err)
	}
	return t, nil
}

func parseWebhooks(data []byte) (*Target, error) {
	var o webhookConfiguration
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, err
	}
	t := &Target{Meta: o.Metadata}
	for i, w := range o.Webhooks {
		if w.ClientConfig != nil {
			t.Bundles = append(t.Bundles, Bundle{fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), w.ClientConfig.CABundle})
		}
	}
	return t, nil
}

// parseAPIService leaves out an API that the API server serves itself.
func parseAPIService(data []byte) (*Target, error) {
	var o apiService
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, err
	}
	t := &Target{Meta: o.Metadata}
	if o.Spec.Service == nil {
		return t, nil
	}
	if o.Spec.Insecure {
		t.Excludes = "spec.insecureSkipTLSVerify: it is true, and the API server allows no CA bundle beside it: take it out, or the annotation"
	}
	t.Bundles = []Bundle{{"/spec/caBundle", o.Spec.CABundle}}
	return t, nil
}

// parseCustomResource leaves out one whose versions need no conversion by a
// webhook: manifests are often annotated all alike.
func parseCustomResource(data []byte) (*Target, error) {
	var o customResource
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, err
	}
	t := &Target{Meta: o.Metadata}
	c := o.Spec.Conversion
	if c != nil && c.Strategy == "Webhook" && c.Webhook != nil && c.Webhook.ClientConfig != nil {
		t.Bundles = []Bundle{{"/spec/conversion/webhook/clientConfig/caBundle", c.Webhook.ClientConfig.CABundle}}
	}
	return t, nil
}
