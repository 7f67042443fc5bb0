package certificates

import (
	"context"

	"github.com/certwright/certwright/internal/apply"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
)

func (h *Handler) addKeystores(ctx context.Context, d *apply.Content, crt *cmapi.Certificate, existing *corev1.Secret, m material) (string, error) {
	return "", nil
}
