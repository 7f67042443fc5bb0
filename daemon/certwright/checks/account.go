package checks

import (
	"context"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authorization "k8s.io/client-go/kubernetes/typed/authorization/v1"
)

// Account is somebody whose rights are asked for.
type Account struct {
	Reviews authorization.AuthorizationV1Interface
	// Name is as the API server has it; empty is who asks. Whoever asks about
	// another one must be allowed to create SubjectAccessReviews.
	Name string
}

// May asks whether the account has a right. Errors are the API server's.
func (a Account) May(ctx context.Context, r authorizationv1.ResourceAttributes) (bool, error) {
	if a.Name == "" {
		got, err := a.Reviews.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &r}}, metav1.CreateOptions{})
		return err == nil && got.Status.Allowed, err
	}
	got, err := a.Reviews.SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{User: a.Name, Groups: groupsOf(a.Name), ResourceAttributes: &r}}, metav1.CreateOptions{})
	return err == nil && got.Status.Allowed, err
}

// groupsOf are those of a service account, by its name.
func groupsOf(account string) []string {
	all := []string{"system:authenticated"}
	if rest, ok := strings.CutPrefix(account, "system:serviceaccount:"); ok {
		namespace, _, _ := strings.Cut(rest, ":")
		all = append(all, "system:serviceaccounts", "system:serviceaccounts:"+namespace)
	}
	return all
}
