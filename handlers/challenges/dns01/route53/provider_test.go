package route53

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/record/recordtest"
)

// service stands in for AWS: STS, and Route 53 with the public zone Z1 of
// example.test and a private one of the same name.
type service struct {
	mu     sync.Mutex
	values map[string]bool
	writes int
	auth   []string // of each request to Route 53
	sts    []string // of each request to STS
	denies string
}

const namespace = `xmlns="https://route53.amazonaws.com/doc/2013-04-01/"`

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Path == "/":
		s.role(w, r)
	case s.denies != "":
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `<ErrorResponse %s><Error><Type>Sender</Type><Code>%s</Code><Message>You are not let in</Message></Error><RequestId>changes-each-time</RequestId></ErrorResponse>`, namespace, s.denies)
	case r.URL.Path == "/2013-04-01/hostedzonesbyname":
		s.auth = append(s.auth, r.Header.Get("Authorization"))
		zones := ""
		if r.URL.Query().Get("dnsname") == "example.test" {
			zones = `<HostedZone><Id>/hostedzone/Z0</Id><Name>example.test.</Name><CallerReference>x</CallerReference><Config><PrivateZone>true</PrivateZone></Config></HostedZone>` +
				`<HostedZone><Id>/hostedzone/Z1</Id><Name>example.test.</Name><CallerReference>x</CallerReference><Config><PrivateZone>false</PrivateZone></Config></HostedZone>`
		}
		_, _ = fmt.Fprintf(w, `<ListHostedZonesByNameResponse %s><HostedZones>%s</HostedZones><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHostedZonesByNameResponse>`, namespace, zones)
	case strings.TrimSuffix(r.URL.Path, "/") == "/2013-04-01/hostedzone/Z1/rrset":
		s.auth = append(s.auth, r.Header.Get("Authorization"))
		s.change(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *service) role(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	action := r.Form.Get("Action")
	s.sts = append(s.sts, strings.TrimSpace(action+" "+r.Form.Get("RoleArn")+" "+r.Form.Get("WebIdentityToken")))
	_, _ = fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, action)
}

func (s *service) change(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var c struct {
		Change struct {
			Action string
			Set    struct {
				Name, Type, SetIdentifier string
				MultiValueAnswer          bool
				Value                     string `xml:"ResourceRecords>ResourceRecord>Value"`
			} `xml:"ResourceRecordSet"`
		} `xml:"ChangeBatch>Changes>Change"`
	}
	set := &c.Change.Set
	if err := xml.Unmarshal(body, &c); err != nil || set.Name != recordtest.Name || set.Type != "TXT" || set.SetIdentifier != set.Value || !set.MultiValueAnswer {
		http.Error(w, string(body), http.StatusTeapot)
		return
	}
	value := strings.Trim(set.Value, `"`)
	if c.Change.Action == "DELETE" && !s.values[value] {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `<InvalidChangeBatch %s><Messages><Message>it was not found</Message></Messages></InvalidChangeBatch>`, namespace)
		return
	}
	if s.values[value] != (c.Change.Action == "UPSERT") {
		s.writes++
	}
	if delete(s.values, value); c.Change.Action == "UPSERT" {
		s.values[value] = true
	}
	_, _ = fmt.Fprintf(w, `<ChangeResourceRecordSetsResponse %s><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo></ChangeResourceRecordSetsResponse>`, namespace)
}

func (s *service) Values() (all []string) {
	for v := range s.values {
		all = append(all, v)
	}
	return all
}

func (s *service) Writes() int { return s.writes }

func start(t *testing.T, c Config) (*Provider, *service) {
	t.Helper()
	s := &service{values: map[string]bool{"other": true}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c.Endpoint = server.URL
	p, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

func TestContract(t *testing.T) {
	t.Parallel()
	p, s := start(t, Config{AccessKeyID: "KEY", SecretAccessKey: recordtest.Credential, Region: "eu-west-1"})
	recordtest.Contract(t, p, s)
	if !strings.HasPrefix(s.auth[0], "AWS4-HMAC-SHA256 Credential=KEY/") {
		t.Errorf("%q", s.auth[0])
	}
	recordtest.Foreign(t, p, "spec.solver.dns01.route53: no public hosted zone of the account holds _acme-challenge.elsewhere.invalid.: make one, or set hostedZoneID")
	const f = "spec.solver.dns01.route53"
	s.denies = "AccessDenied"
	recordtest.Faulty(t, p.Set(t.Context(), recordtest.At("v")), f+": AWS refuses: AccessDenied: You are not let in; grant the identity the actions that it lacks, of route53:ChangeResourceRecordSets, route53:ListHostedZonesByName and sts:AssumeRole")
	s.denies = "InvalidClientTokenId"
	recordtest.Faulty(t, p.Set(t.Context(), recordtest.At("v")), f+": AWS does not accept the credentials: InvalidClientTokenId: You are not let in; store an access key that is valid")
}

func TestRole(t *testing.T) {
	t.Parallel()
	p, s := start(t, Config{AccessKeyID: "KEY", SecretAccessKey: recordtest.Credential, Role: "arn:aws:iam::1:role/dns", HostedZoneID: "/hostedzone/Z1"})
	for range 2 {
		if err := p.Set(t.Context(), recordtest.At("v")); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.sts) != 1 || s.sts[0] != "AssumeRole arn:aws:iam::1:role/dns" {
		t.Errorf("%q", s.sts)
	}
	if !strings.Contains(s.auth[0], "Credential=ROLE/") {
		t.Errorf("%q", s.auth[0])
	}
}

func TestServiceAccount(t *testing.T) {
	t.Parallel()
	p, s := start(t, Config{Role: "arn:aws:iam::1:role/dns", HostedZoneID: "Z1", Token: func(context.Context) (string, error) { return "jwt", nil }})
	for range 2 {
		if err := p.Set(t.Context(), recordtest.At("v")); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.sts) != 1 || s.sts[0] != "AssumeRoleWithWebIdentity arn:aws:iam::1:role/dns jwt" {
		t.Errorf("%q", s.sts)
	}
	p, _ = start(t, Config{Role: "arn:aws:iam::1:role/dns", HostedZoneID: "Z1", Token: func(context.Context) (string, error) { return "", challenges.Faulty("no such account") }})
	recordtest.Faulty(t, p.Set(t.Context(), recordtest.At("v")), "no such account")
}

func TestConfigsThatCannotBe(t *testing.T) {
	t.Parallel()
	const f = "spec.solver.dns01.route53"
	token := func(context.Context) (string, error) { return "", errors.New("not asked") }
	for _, row := range []struct {
		c    Config
		want string
	}{
		{Config{}, f + ": there is no credential, and this issuer may not use those of the daemon: set accessKeyID and secretAccessKeySecretRef or auth.kubernetes, or allow that by --issuer-ambient-credentials or --cluster-issuer-ambient-credentials"},
		{Config{AccessKeyID: "KEY"}, f + ": of the access key one half is missing: set accessKeyID or accessKeyIDSecretRef, and secretAccessKeySecretRef"},
		{Config{SecretAccessKey: recordtest.Credential, Ambient: true}, f + ": of the access key one half is missing: set accessKeyID or accessKeyIDSecretRef, and secretAccessKeySecretRef"},
		{Config{Token: token}, f + ".role: it is empty: name the role that the service account of auth.kubernetes assumes"},
	} {
		_, err := New(t.Context(), row.c)
		recordtest.Faulty(t, err, row.want)
	}
}

// The daemon's own credentials serve where that is allowed, and only there.
func TestAmbient(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AMBIENT")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	p, s := start(t, Config{Ambient: true})
	if err := p.Set(t.Context(), recordtest.At("v")); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.auth[0], "Credential=AMBIENT/") {
		t.Errorf("%q", s.auth[0])
	}
	p, s = start(t, Config{AccessKeyID: "KEY", SecretAccessKey: recordtest.Credential, Ambient: true})
	if err := p.Set(t.Context(), recordtest.At("v")); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.auth[0], "Credential=KEY/") {
		t.Errorf("%q", s.auth[0])
	}
}
