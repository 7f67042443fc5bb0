package harness

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/certwright/certwright/test/cluster"
)

// RightsEnv names a folder in the environment. Where it is set, every stage leaves
// in it what its service accounts were allowed and refused: a file of JSON that
// holds a RightsRecord.
const RightsEnv = "CERTWRIGHT_TEST_RIGHTS"

// RightsRecord is what the service accounts of one control plane did with their
// rights; those of Kubernetes' own controllers apart.
type RightsRecord struct {
	// Allowed and Refused are requests, from the audit log.
	Allowed, Refused []RightUse
	// Asked are all questions to the authorizer, also those that no request shows:
	// of admission, whether somebody may block an owner's deletion, sign or approve.
	Asked []RightUse
}

// RightUse is one use of a right, or the wish for one.
type RightUse struct {
	User, Verb, Group string
	// Resource has its subresource after a slash.
	Resource, Namespace, Name string
	// Words are the API server's, of a refusal.
	Words string `json:",omitempty"`
}

// rightsRecorder stands before RBAC as a webhook that has no opinion, and writes
// down what it is asked.
type rightsRecorder struct {
	folder, dir string
	server      *http.Server

	mu    sync.Mutex
	asked map[RightUse]bool
}

// recordRights starts a recorder where the environment wants one; else nil.
func recordRights() (*rightsRecorder, error) {
	folder := os.Getenv(RightsEnv)
	if folder == "" {
		return nil, nil
	}
	r := &rightsRecorder{folder: folder, asked: map[RightUse]bool{}}
	ca, err := NewRoot("the recorder of rights")
	if err != nil {
		return nil, err
	}
	listener, err := r.listen(ca)
	if err != nil {
		return nil, fmt.Errorf("listen for questions of the authorizer: %w", err)
	}
	r.server = &http.Server{Handler: r}
	go func() { _ = r.server.Serve(listener) }() // until close
	return r, r.writeConfiguration("https://"+listener.Addr().String(), ca.PEM())
}

func (r *rightsRecorder) listen(ca *Authority) (net.Listener, error) {
	server, err := ca.Server()
	if err != nil {
		return nil, err
	}
	key, err := server.KeyPEM()
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(server.PEM(), key)
	if err != nil {
		return nil, err
	}
	return tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}})
}

// authorization asks the recorder first, and about nobody but the service accounts
// that are not Kubernetes' own; what it leaves open is RBAC's.
const authorization = `apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers:
- type: Webhook
  name: recorder
  webhook:
    timeout: 10s
    subjectAccessReviewVersion: v1
    matchConditionSubjectAccessReviewVersion: v1
    failurePolicy: Deny
    authorizedTTL: 1s
    unauthorizedTTL: 1s
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: %q}
    matchConditions:
    - expression: "request.user.startsWith('system:serviceaccount:') && !request.user.startsWith('system:serviceaccount:kube-system:')"
    - expression: "has(request.resourceAttributes)"
- {type: RBAC, name: rbac}
`

func (r *rightsRecorder) writeConfiguration(url string, ca []byte) (err error) {
	if r.dir, err = os.MkdirTemp(r.folder, "recorder-"); err != nil {
		return err
	}
	authority, kubeconfig := filepath.Join(r.dir, "ca.pem"), filepath.Join(r.dir, "kubeconfig")
	way := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: r, contexts: [{name: r, context: {cluster: r, user: r}}],
users: [{name: r, user: {}}], clusters: [{name: r, cluster: {server: %q, certificate-authority: %q}}]}`, url, authority)
	return errors.Join(os.WriteFile(authority, ca, 0o600), os.WriteFile(kubeconfig, []byte(way), 0o600),
		os.WriteFile(r.configuration(), fmt.Appendf(nil, authorization, kubeconfig), 0o600))
}

func (r *rightsRecorder) configuration() string { return filepath.Join(r.dir, "authorization.yaml") }

// ServeHTTP answers a SubjectAccessReview with no opinion.
func (r *rightsRecorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var review authorizationv1.SubjectAccessReview
	if err := json.NewDecoder(request.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if a := review.Spec.ResourceAttributes; a != nil {
		r.mu.Lock()
		r.asked[RightUse{User: review.Spec.User, Verb: a.Verb, Group: a.Group,
			Resource: joined(a.Resource, a.Subresource), Namespace: a.Namespace, Name: a.Name}] = true
		r.mu.Unlock()
	}
	review.Status = authorizationv1.SubjectAccessReviewStatus{}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review) // who asked and went has no use for an answer
}

func joined(resource, subresource string) string {
	return strings.TrimSuffix(resource+"/"+subresource, "/")
}

// close leaves the record. c may be nil, when it never started.
func (r *rightsRecorder) close(c *cluster.Cluster) error {
	if r.server == nil {
		return nil
	}
	all := errors.Join(r.server.Close(), os.RemoveAll(r.dir))
	r.server = nil
	if c == nil {
		return all
	}
	record, err := r.record(c.AuditLog())
	if err != nil {
		return errors.Join(all, err)
	}
	text, err := json.Marshal(record)
	if err != nil {
		return errors.Join(all, err)
	}
	file, err := os.CreateTemp(r.folder, "*.json")
	if err != nil {
		return errors.Join(all, err)
	}
	_, err = file.Write(text)
	return errors.Join(all, err, file.Close())
}

func (r *rightsRecorder) record(log string) (RightsRecord, error) {
	var record RightsRecord
	r.mu.Lock()
	defer r.mu.Unlock()
	for use := range r.asked {
		record.Asked = append(record.Asked, use)
	}
	seen := map[RightUse]bool{}
	err := eachAudited(log, "system:serviceaccount:", func(line auditLine) {
		ref := line.ObjectRef
		use := RightUse{User: line.User.Username, Verb: line.Verb, Group: ref.APIGroup,
			Resource: joined(ref.Resource, ref.Subresource), Namespace: ref.Namespace, Name: ref.Name}
		refused := line.ResponseStatus.Code == http.StatusForbidden
		if refused {
			use.Words = line.ResponseStatus.Message
		}
		switch {
		case seen[use] || ref.Resource == "" || strings.HasPrefix(use.User, "system:serviceaccount:kube-system:"):
		case refused:
			record.Refused = append(record.Refused, use)
		default:
			record.Allowed = append(record.Allowed, use)
		}
		seen[use] = true
	})
	return record, err
}
