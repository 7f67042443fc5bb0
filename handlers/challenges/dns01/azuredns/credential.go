package azuredns

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/httpapi"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Config of a resource group and of the identity that may write to it.
type Config struct {
	SubscriptionID, ResourceGroup string
	// Zone names the zone; empty looks for it.
	Zone    string
	Private bool
	// Environment is one of the API contract's names; empty is AzurePublicCloud.
	Environment string

	// A service principal; without ClientID an identity of the daemon's
	// surroundings, if Ambient allows that.
	ClientID, ClientSecret, TenantID string
	Ambient                          bool
	// Identity chooses among several of the surroundings.
	Identity Identity

	UserAgent string
	Transport http.RoundTripper // nil: the default; also for signing in
	// place stands in for a cloud, in tests.
	place *cloud.Configuration
}

// Identity of the surroundings. All may be empty.
type Identity struct{ ClientID, ResourceID, TenantID string }

func (c Config) transport() http.RoundTripper {
	if c.Transport == nil {
		return http.DefaultTransport
	}
	return c.Transport
}

func (c Config) cloud() (cloud.Configuration, error) {
	if c.place != nil {
		return *c.place, nil
	}
	switch strings.ToUpper(c.Environment) {
	case "", "AZURECLOUD", "AZUREPUBLICCLOUD":
		return cloud.AzurePublic, nil
	case "AZUREUSGOVERNMENT", "AZUREUSGOVERNMENTCLOUD":
		return cloud.AzureGovernment, nil
	case "AZURECHINACLOUD":
		return cloud.AzureChina, nil
	}
	return cloud.Configuration{}, challenges.Faulty("%s.environment: there is no cloud %q any more, or never was: use AzurePublicCloud, AzureUSGovernmentCloud or AzureChinaCloud", field, c.Environment)
}

// credential chooses how to sign in. Nothing is asked yet.
func (c Config) credential() (azcore.TokenCredential, cloud.ServiceConfiguration, error) {
	place, err := c.cloud()
	if err != nil {
		return nil, cloud.ServiceConfiguration{}, err
	}
	options := azcore.ClientOptions{Cloud: place}
	if c.Transport != nil {
		options.Transport = &http.Client{Transport: c.Transport, Timeout: httpapi.Timeout}
	}
	manager := place.Services[cloud.ResourceManager]
	switch {
	case c.ClientID != "":
		credential, err := c.principal(options)
		return credential, manager, err
	case !c.Ambient:
		return nil, manager, challenges.Faulty("%s.clientID: there is no credential, and this issuer may not use those of the daemon: set clientID, clientSecretSecretRef and tenantID, or allow that by --issuer-ambient-credentials or --cluster-issuer-ambient-credentials", field)
	case os.Getenv("AZURE_FEDERATED_TOKEN_FILE") != "":
		credential, err := c.workload(options)
		return credential, manager, err
	}
	credential, err := c.managed(options)
	return credential, manager, err
}

func (c Config) principal(options azcore.ClientOptions) (azcore.TokenCredential, error) {
	if c.TenantID == "" || c.ClientSecret == "" {
		return nil, challenges.Faulty("%s: a service principal needs tenantID and clientSecretSecretRef beside clientID: set them", field)
	}
	credential, err := azidentity.NewClientSecretCredential(c.TenantID, c.ClientID, c.ClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: c.place != nil})
	if err != nil {
		return nil, challenges.Faulty("%s: the service principal cannot be used: %s; correct tenantID and clientID", field, httpapi.Stable(err.Error()))
	}
	return credential, nil
}

func (c Config) workload(options azcore.ClientOptions) (azcore.TokenCredential, error) {
	credential, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: options, ClientID: c.Identity.ClientID, TenantID: c.Identity.TenantID})
	if err != nil {
		return nil, challenges.Faulty("%s.managedIdentity: the workload identity cannot be used: %s; set clientID and tenantID, or label the daemon's service account for it", field, httpapi.Stable(err.Error()))
	}
	return credential, nil
}

func (c Config) managed(options azcore.ClientOptions) (azcore.TokenCredential, error) {
	o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
	switch {
	case c.Identity.ClientID != "" && c.Identity.ResourceID != "":
		return nil, challenges.Faulty("%s.managedIdentity: clientID and resourceID are both set: keep one", field)
	case c.Identity.ClientID != "":
		o.ID = azidentity.ClientID(c.Identity.ClientID)
	case c.Identity.ResourceID != "":
		o.ID = azidentity.ResourceID(c.Identity.ResourceID)
	}
	credential, err := azidentity.NewManagedIdentityCredential(o)
	if err != nil {
		return nil, challenges.Faulty("%s.managedIdentity: it cannot be used: %s", field, httpapi.Stable(err.Error()))
	}
	return credential, nil
}

// authorized puts a token on each request. The credential keeps it while it lasts.
func authorized(credential azcore.TokenCredential, manager cloud.ServiceConfiguration, next http.RoundTripper) http.RoundTripper {
	return bearer{credential, strings.TrimSuffix(manager.Audience, "/") + "/.default", next}
}

type bearer struct {
	credential azcore.TokenCredential
	scope      string
	next       http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := b.credential.GetToken(r.Context(), policy.TokenRequestOptions{Scopes: []string{b.scope}})
	if err != nil {
		return nil, &httpapi.Credential{Err: err}
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token.Token)
	return b.next.RoundTrip(r)
}

// reasons are what is stable of Entra's words, the most telling first.
var reasons = []*regexp.Regexp{regexp.MustCompile(`AADSTS\d+`), regexp.MustCompile(`"error": ?"\w+"`)}

func judgeCredential(c *httpapi.Credential) error {
	var failed *azidentity.AuthenticationFailedError
	if !errors.As(c.Err, &failed) || failed.RawResponse != nil && failed.RawResponse.StatusCode >= 500 {
		return fmt.Errorf("sign in at Azure: %s", httpapi.Stable(firstLine(c.Err.Error())))
	}
	why := "no reason given"
	for _, r := range reasons {
		if found := r.FindString(failed.Error()); found != "" {
			why = found
			break
		}
	}
	return challenges.Faulty("%s: Microsoft Entra does not let the identity in (%s): correct tenantID and clientID, and store a client secret that is valid", field, why)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
