package daemon

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/kubernetes/scheme"
)

// serve answers one request.
func (a *apiServer) serve(by *actor, r *http.Request) *http.Response {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, err := a.answer(by, r)
	if err != nil {
		code, status := statusOf(err)
		return response(r, code, io.NopCloser(bytes.NewReader(status)))
	}
	return response(r, http.StatusOK, body)
}

func response(r *http.Request, code int, body io.ReadCloser) *http.Response {
	return &http.Response{
		StatusCode: code, Status: strconv.Itoa(code) + " " + http.StatusText(code), Request: r, Body: body,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
		Header: http.Header{"Content-Type": {"application/json"}},
	}
}

func document(v any) io.ReadCloser { return io.NopCloser(bytes.NewReader(encode(v))) }

func (a *apiServer) answer(by *actor, r *http.Request) (io.ReadCloser, error) {
	if doc := a.discovery(r.URL.Path); doc != nil {
		return document(doc), nil
	}
	if strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews") {
		return by.review(r)
	}
	t, ok := targetOf(r.URL.Path)
	if !ok || a.missing[t.kind.plural] {
		return nil, apierrors.NewGenericServerResponse(http.StatusNotFound, r.Method, t.group(), t.name, "the server could not find the requested resource", 0, true)
	}
	switch {
	case r.Method == http.MethodGet && t.name == "":
		return a.collection(by, r, t)
	case r.Method == http.MethodGet:
		return single(a.get(t))
	default:
		return a.write(by, r, t)
	}
}

func single(o *object, err error) (io.ReadCloser, error) {
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(o.raw)), nil
}

// collection is a list or a watch.
func (a *apiServer) collection(by *actor, r *http.Request, t target) (io.ReadCloser, error) {
	q := r.URL.Query()
	selector, err := labels.Parse(q.Get("labelSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	metadata := strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata")
	if q.Get("watch") != "" {
		w := &watcher{target: t, selector: selector, metadata: metadata, lag: by.lag(t), lost: by.lost}
		return w, a.watch(r.Context(), w, q.Get("resourceVersion"), q.Get("sendInitialEvents") == "true")
	}
	items := []json.RawMessage{}
	for _, o := range a.list(t, selector) {
		items = append(items, present(o, metadata))
	}
	apiVersion, kind := t.kind.GroupVersion().String(), t.kind.Kind+"List"
	if metadata {
		apiVersion, kind = "meta.k8s.io/v1", "PartialObjectMetadataList"
	}
	return document(map[string]any{
		"apiVersion": apiVersion, "kind": kind, "items": items,
		"metadata": map[string]any{"resourceVersion": strconv.FormatInt(a.version, 10)},
	}), nil
}

func (a *apiServer) write(by *actor, r *http.Request, t target) (io.ReadCloser, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	q := r.URL.Query()
	manager := cmp.Or(q.Get("fieldManager"), by.name)
	switch r.Method {
	case http.MethodPost:
		return single(a.create(by.name, t, body, manager))
	case http.MethodPut:
		return single(a.update(by.name, t, body, manager))
	case http.MethodPatch:
		if r.Header.Get("Content-Type") == "application/apply-patch+yaml" {
			return single(a.apply(by.name, t, body, manager, q.Get("force") == "true"))
		}
		return single(a.merge(by.name, t, body))
	case http.MethodDelete:
		preconditions, _ := body["preconditions"].(map[string]any)
		uid, _ := preconditions["uid"].(string)
		if err := a.remove(by.name, t, uid); err != nil {
			return nil, err
		}
		return document(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusSuccess}), nil
	}
	return nil, apierrors.NewMethodNotSupported(t.group(), r.Method)
}

// readBody decodes JSON, or the protobuf in which built-in resources travel.
func readBody(r *http.Request) (map[string]any, error) {
	if r.Body == nil {
		return map[string]any{}, nil
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil || len(raw) == 0 {
		return map[string]any{}, err
	}
	body := map[string]any{}
	if !bytes.HasPrefix(raw, []byte("k8s\x00")) {
		return body, utiljson.Unmarshal(raw, &body)
	}
	o, _, err := scheme.Codecs.UniversalDeserializer().Decode(raw, nil, nil)
	if err != nil {
		return nil, err
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(o)
}

// targetOf reads /api/v1/namespaces/NS/RESOURCE/NAME/SUBRESOURCE and the like.
func targetOf(path string) (target, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return target{}, false
	}
	var t target
	if parts[0] == "namespaces" && len(parts) > 2 {
		t.namespace, parts = parts[1], parts[2:]
	}
	var ok bool
	if t.kind, ok = kinds[parts[0]]; !ok {
		return target{}, false
	}
	parts = append(parts, "", "")
	t.name, t.subresource = parts[1], parts[2]
	return t, true
}

// discovery answers the questions for what is served; nil is for other paths.
func (a *apiServer) discovery(path string) any {
	switch path {
	case "/version":
		return map[string]any{"major": "1", "minor": "36", "gitVersion": "v1.36.0"}
	case "/api":
		return metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}
	case "/apis":
		return a.groups()
	}
	version, ok := strings.CutPrefix(path, "/apis/")
	if path == "/api/v1" {
		version, ok = "v1", true
	}
	gv, err := schema.ParseGroupVersion(version)
	if !ok || err != nil || strings.Count(version, "/") > 1 {
		return nil
	}
	list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: version}
	for _, plural := range slices.Sorted(maps.Keys(kinds)) {
		if k := kinds[plural]; k.GroupVersion() == gv && !a.missing[plural] {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: plural, Kind: k.Kind, Namespaced: k.namespaced, Verbs: metav1.Verbs{"get", "list", "watch", "create"}})
		}
	}
	if len(list.APIResources) == 0 {
		return nil
	}
	return list
}

func (a *apiServer) groups() metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	seen := map[string]bool{"": true}
	for _, plural := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[plural]
		if seen[k.Group] || a.missing[plural] {
			continue
		}
		seen[k.Group] = true
		v := metav1.GroupVersionForDiscovery{GroupVersion: k.GroupVersion().String(), Version: k.Version}
		list.Groups = append(list.Groups, metav1.APIGroup{Name: k.Group, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v})
	}
	return list
}
