package apply_test

import (
	"testing"

	"github.com/certwright/certwright/internal/apply"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// content is what we put into a Secret.
func content(edits ...func(*apply.Content)) apply.Content {
	c := apply.Content{
		Namespace: "team", Name: "web-tls", Type: corev1.SecretTypeTLS,
		Labels:      map[string]string{"controller.cert-manager.io/fao": "true"},
		Annotations: map[string]string{"cert-manager.io/alt-names": "web.example.com", "cert-manager.io/ip-sans": ""},
		Data:        map[string][]byte{"tls.crt": []byte("chain"), "tls.key": []byte("key")},
	}
	for _, e := range edits {
		e(&c)
	}
	return c
}

// fields is what an API server notes of applying content.
const fields = `{
	"f:data": {".": {}, "f:tls.crt": {}, "f:tls.key": {}},
	"f:metadata": {
		"f:annotations": {"f:cert-manager.io/alt-names": {}, "f:cert-manager.io/ip-sans": {}},
		"f:labels": {"f:controller.cert-manager.io/fao": {}}
	},
	"f:type": {}
}`

func entry(manager string, operation metav1.ManagedFieldsOperationType, json string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{
		Manager: manager, Operation: operation, APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(json),
	}
}

func ours(json string) metav1.ManagedFieldsEntry {
	return entry("cert-manager-certificates-issuing", metav1.ManagedFieldsOperationApply, json)
}

// stored is the Secret after applying content; edits change it.
func stored(edits ...func(*corev1.Secret)) *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team", Name: "web-tls",
			Labels:        map[string]string{"controller.cert-manager.io/fao": "true"},
			Annotations:   map[string]string{"cert-manager.io/alt-names": "web.example.com", "cert-manager.io/ip-sans": ""},
			ManagedFields: []metav1.ManagedFieldsEntry{ours(fields)},
		},
		Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{"tls.crt": []byte("chain"), "tls.key": []byte("key")},
	}
	for _, e := range edits {
		e(s)
	}
	return s
}

func TestMatches(t *testing.T) {
	t.Parallel()
	manage := func(entries ...metav1.ManagedFieldsEntry) func(*corev1.Secret) {
		return func(s *corev1.Secret) { s.ManagedFields = entries }
	}
	owner := &metav1.OwnerReference{APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: "web", UID: "uid-web"}
	owning := func(c *apply.Content) { c.Owner = owner }
	const ownedFields = `{
		"f:data": {"f:tls.crt": {}, "f:tls.key": {}},
		"f:metadata": {
			"f:annotations": {"f:cert-manager.io/alt-names": {}, "f:cert-manager.io/ip-sans": {}},
			"f:labels": {"f:controller.cert-manager.io/fao": {}},
			"f:ownerReferences": {"k:{\"uid\":\"uid-web\"}": {}}
		},
		"f:type": {}
	}`
	owned := func(s *corev1.Secret) {
		s.OwnerReferences = []metav1.OwnerReference{*owner}
		s.ManagedFields = []metav1.ManagedFieldsEntry{ours(ownedFields)}
	}
	none := func(*apply.Content) {}

	for name, row := range map[string]struct {
		content func(*apply.Content)
		secret  func(*corev1.Secret)
		want    bool
	}{
		"as applied": {none, func(*corev1.Secret) {}, true},

		// what somebody else changed
		"a label is gone":             {none, func(s *corev1.Secret) { s.Labels = nil }, false},
		"a label is another":          {none, func(s *corev1.Secret) { s.Labels["controller.cert-manager.io/fao"] = "" }, false},
		"an empty annotation is gone": {none, func(s *corev1.Secret) { delete(s.Annotations, "cert-manager.io/ip-sans") }, false},
		"data is another":             {none, func(s *corev1.Secret) { s.Data["tls.key"] = []byte("other") }, false},
		"data is gone":                {none, func(s *corev1.Secret) { delete(s.Data, "tls.key") }, false},
		"all is gone":                 {none, func(s *corev1.Secret) { *s = corev1.Secret{Type: s.Type} }, false},

		// what others put beside
		"a label of others":       {none, func(s *corev1.Secret) { s.Labels["app"] = "shop" }, true},
		"an annotation of others": {none, func(s *corev1.Secret) { s.Annotations["reload"] = "yes" }, true},
		"data of others":          {none, func(s *corev1.Secret) { s.Data["extra"] = []byte("x") }, true},
		"an owner of others":      {none, func(s *corev1.Secret) { s.OwnerReferences = []metav1.OwnerReference{{UID: "x"}} }, true},

		// what we want now
		"another label":   {func(c *apply.Content) { c.Labels["app"] = "shop" }, func(*corev1.Secret) {}, false},
		"more data":       {func(c *apply.Content) { c.Data["ca.crt"] = []byte("ca") }, func(*corev1.Secret) {}, false},
		"less data":       {func(c *apply.Content) { delete(c.Data, "tls.key") }, func(*corev1.Secret) {}, false},
		"no label":        {func(c *apply.Content) { c.Labels = nil }, func(*corev1.Secret) {}, false},
		"another type":    {func(c *apply.Content) { c.Type = corev1.SecretTypeOpaque }, func(*corev1.Secret) {}, false},
		"an owner":        {owning, func(*corev1.Secret) {}, false},
		"an owner, there": {owning, owned, true},
		"no owner":        {none, owned, false},

		// what we want is there, but not by us: an apply would take it over
		"a label that others put there": {func(c *apply.Content) { c.Labels["app"] = "shop" },
			func(s *corev1.Secret) { s.Labels["app"] = "shop" }, false},
		"nothing is known of our apply": {none, manage(), false},
		"another manager applied it":    {none, manage(entry("other", metav1.ManagedFieldsOperationApply, fields)), false},
		"we updated it":                 {none, manage(entry("cert-manager-certificates-issuing", metav1.ManagedFieldsOperationUpdate, fields)), false},
		"somebody else owns it too": {none, manage(ours(fields),
			entry("kubectl-edit", metav1.ManagedFieldsOperationUpdate, `{"f:data": {"f:tls.key": {}, "f:extra": {}}}`)), true},
		"our apply is in two versions": {none, manage(
			ours(`{"f:data": {"f:tls.crt": {}, "f:tls.key": {}}, "f:type": {}}`),
			ours(`{"f:metadata": {"f:annotations": {"f:cert-manager.io/alt-names": {}, "f:cert-manager.io/ip-sans": {}}, "f:labels": {"f:controller.cert-manager.io/fao": {}}}}`)), true},
		"we own a field that we know nothing of": {none, manage(ours(fields), ours(`{"f:immutable": {}}`)), false},
		"the fields are garbage":                 {none, manage(ours(`{"f:data": `)), false},
		"the fields are missing":                 {none, manage(metav1.ManagedFieldsEntry{Manager: apply.FieldManager, Operation: "Apply"}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := content(row.content)
			if got := c.Matches(stored(row.secret)); got != row.want {
				t.Errorf("got %t, want %t", got, row.want)
			}
		})
	}
}
