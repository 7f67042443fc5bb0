package vault

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

const (
	// awsRegion is where there is always an STS.
	awsRegion   = "us-east-1"
	awsAudience = "sts.amazonaws.com"
	awsIdentity = "Action=GetCallerIdentity&Version=2011-06-15"
	awsMount    = "/v1/auth/aws"
)

// aws logs in by a signed request that asks AWS who we are. Vault sends it to
// AWS itself, and so learns who has signed it.
func (b *Backend) aws(ctx context.Context, m material, a *cmapi.VaultAWSAuth) (credentials, error) {
	c := credentials{
		field: "spec.vault.auth.aws", mount: mountOf(a.MountPath, awsMount),
		check: "the role and the identities that it is bound to, the region, and vaultHeaderValue where Vault asks for one",
	}
	region := awsRegionOf(a)
	keys, err := b.awsKeys(ctx, m, a, region)
	if err != nil {
		return c, err
	}
	c.hide = []string{keys.SecretAccessKey, keys.SessionToken}
	c.data, err = b.awsLogin(ctx, keys, a, region)
	return c, err
}

// awsRegionOf is the issuer's region, unless it takes credentials from the
// daemon's surroundings, whose region then goes with them.
func awsRegionOf(a *cmapi.VaultAWSAuth) string {
	around := os.Getenv("AWS_REGION")
	if around == "" {
		around = os.Getenv("AWS_DEFAULT_REGION")
	}
	switch {
	case a.ServiceAccountRef == nil && around != "":
		return around
	case a.Region != "":
		return a.Region
	case around != "":
		return around
	}
	return awsRegion
}

// awsKeys gets temporary credentials: for the IAM role of a service account,
// or those of the daemon's surroundings where an operator allows it.
func (b *Backend) awsKeys(ctx context.Context, m material, a *cmapi.VaultAWSAuth, region string) (aws.Credentials, error) {
	if a.ServiceAccountRef == nil && !b.ambient(m) {
		return aws.Credentials{}, unfit("spec.vault.auth.aws: AWS credentials of the daemon's surroundings are not allowed for this kind of issuer: " +
			"set serviceAccountRef, or start certwright with --issuer-ambient-credentials or --cluster-issuer-ambient-credentials")
	}
	if a.ServiceAccountRef != nil {
		return b.awsRole(ctx, m, a, region)
	}
	around, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return aws.Credentials{}, unfit("spec.vault.auth.aws: the AWS configuration of the daemon's surroundings cannot be read: check its environment and files")
	}
	keys, err := around.Credentials.Retrieve(ctx)
	if err != nil {
		return keys, away("spec.vault.auth.aws: the daemon's surroundings give no AWS credentials: check the role of its pod or node")
	}
	return keys, nil
}

func (b *Backend) ambient(m material) bool {
	if m.issuer.Kind == cmapi.ClusterIssuerKind {
		return b.ClusterIssuerAmbient
	}
	return b.IssuerAmbient
}

// awsRole takes on the IAM role of a service account (IRSA). The credentials
// of the surroundings have no part in it.
func (b *Backend) awsRole(ctx context.Context, m material, a *cmapi.VaultAWSAuth, region string) (aws.Credentials, error) {
	const field = "spec.vault.auth.aws.serviceAccountRef"
	audiences := append([]string{awsAudience}, a.ServiceAccountRef.TokenAudiences...)
	token, err := b.serviceAccountToken(ctx, m, field, a.ServiceAccountRef, audiences)
	if err != nil {
		return aws.Credentials{}, err
	}
	around, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	if err != nil {
		return aws.Credentials{}, unfit("%s: the AWS configuration of the daemon's surroundings cannot be read: check its environment and files", field)
	}
	answer, err := sts.NewFromConfig(around).AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(a.IAMRoleARN), RoleSessionName: aws.String("certwright"), WebIdentityToken: aws.String(token),
	})
	if err != nil {
		return aws.Credentials{}, awsFault(field, a.IAMRoleARN, err)
	}
	keys := answer.Credentials
	return aws.Credentials{
		AccessKeyID: aws.ToString(keys.AccessKeyId), SecretAccessKey: aws.ToString(keys.SecretAccessKey), SessionToken: aws.ToString(keys.SessionToken),
	}, nil
}

// awsLogin is the signed request in the form in which Vault wants it.
func (b *Backend) awsLogin(ctx context.Context, keys aws.Credentials, a *cmapi.VaultAWSAuth, region string) (map[string]any, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("https://sts.%s.amazonaws.com/", region), strings.NewReader(awsIdentity))
	if err != nil {
		return nil, unfit("spec.vault.auth.aws.region: %q is no AWS region: write it like eu-central-1", region)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if a.VaultHeaderValue != "" {
		request.Header.Set("X-Vault-AWS-IAM-Server-ID", a.VaultHeaderValue)
	}
	hash := sha256.Sum256([]byte(awsIdentity))
	if err := signer.NewSigner().SignHTTP(ctx, keys, request, hex.EncodeToString(hash[:]), "sts", region, b.Clock.Now()); err != nil {
		return nil, unfit("spec.vault.auth.aws: the login cannot be signed with the AWS credentials: check that they are complete")
	}
	headers, err := json.Marshal(request.Header)
	if err != nil {
		return nil, err
	}
	encode := base64.StdEncoding.EncodeToString
	return map[string]any{
		"role": a.Role, "iam_http_request_method": http.MethodPost,
		"iam_request_url":     encode([]byte(request.URL.String())),
		"iam_request_body":    encode([]byte(awsIdentity)),
		"iam_request_headers": encode(headers),
	}, nil
}

// awsFault tells a refusal of AWS, by its code alone, from an AWS that is away.
func awsFault(field, role string, err error) *fault {
	var refused smithy.APIError
	var answer *smithyhttp.ResponseError
	if errors.As(err, &refused) && errors.As(err, &answer) && answer.HTTPStatusCode() < 500 && answer.HTTPStatusCode() != http.StatusTooManyRequests {
		return unfit("%s: AWS does not let the service account take on %s (%s): check iamRoleArn, and the trust policy of that role", field, role, refused.ErrorCode())
	}
	return away("%s: AWS's STS does not give out the credentials of %s: check that it can be reached", field, role)
}
