package route53

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/certwright/certwright/handlers/challenges"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Config of an account and of the identity that may write to it.
type Config struct {
	AccessKeyID, SecretAccessKey string
	// Role is assumed on top: by the access key, by Token, or by what the daemon's
	// surroundings offer if Ambient allows that.
	Role string
	// Token gets a token of a Kubernetes service account; nil: none is used.
	Token   func(context.Context) (string, error)
	Ambient bool

	HostedZoneID string
	Region       string
	HTTP         *http.Client // nil: the SDK's
	// Endpoint stands in for AWS, in tests.
	Endpoint string
}

// session names what a role is assumed for, in AWS's own log.
const session = "certwright"

// anyRegion is where a global service is signed for when nothing names one.
const anyRegion = "us-east-1"

func (c Config) check() error {
	switch {
	case c.Token != nil && c.Role == "":
		return challenges.Faulty("%s.role: it is empty: name the role that the service account of auth.kubernetes assumes", field)
	case (c.AccessKeyID == "") != (c.SecretAccessKey == ""):
		return challenges.Faulty("%s: of the access key one half is missing: set accessKeyID or accessKeyIDSecretRef, and secretAccessKeySecretRef", field)
	case c.AccessKeyID == "" && c.Token == nil && !c.Ambient:
		return challenges.Faulty("%s: there is no credential, and this issuer may not use those of the daemon: set accessKeyID and secretAccessKeySecretRef or auth.kubernetes, or allow that by --issuer-ambient-credentials or --cluster-issuer-ambient-credentials", field)
	}
	return nil
}

// load prepares to sign in. Tokens and roles are asked for when they are needed,
// and kept while they last.
func (c Config) load(ctx context.Context) (aws.Config, error) {
	if err := c.check(); err != nil {
		return aws.Config{}, err
	}
	own := c.AccessKeyID != "" || c.Token != nil
	options := []func(*config.LoadOptions) error{config.WithAppID(session)}
	if c.HTTP != nil {
		options = append(options, config.WithHTTPClient(c.HTTP))
	}
	if c.Endpoint != "" {
		options = append(options, config.WithBaseEndpoint(c.Endpoint))
	}
	switch {
	case c.Region != "" && (own || !ambientRegion()):
		options = append(options, config.WithRegion(c.Region))
	case !ambientRegion():
		options = append(options, config.WithRegion(anyRegion))
	}
	switch {
	case c.AccessKeyID != "":
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, "")))
	case c.Token != nil:
		options = append(options, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	if own { // nothing of the daemon's own files
		options = append(options, config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, challenges.Faulty("%s: the AWS settings in the daemon's surroundings cannot be read: %s", field, err)
	}
	return c.assume(loaded), nil
}

// ambientRegion reports whether the daemon's surroundings name a region, which
// then goes before the issuer's where the credentials are theirs too.
func ambientRegion() bool {
	return os.Getenv("AWS_REGION") != "" || os.Getenv("AWS_DEFAULT_REGION") != ""
}

func (c Config) assume(base aws.Config) aws.Config {
	assumed := base.Copy()
	switch client := sts.NewFromConfig(base); {
	case c.Token != nil:
		assumed.Credentials = aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(client, c.Role, tokens(c.Token),
			func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = session }))
	case c.Role != "":
		assumed.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, c.Role,
			func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = session }))
	}
	return assumed
}

// tokenTime bounds one question for a token, which brings no context along.
const tokenTime = 30 * time.Second

type tokens func(context.Context) (string, error)

func (t tokens) GetIdentityToken() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), tokenTime)
	defer cancel()
	token, err := t(ctx)
	return []byte(token), err
}
