package venafi

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/pki"

	"github.com/Venafi/vcert/v5/pkg/certificate"
	"github.com/Venafi/vcert/v5/pkg/endpoint"
	vcertutil "github.com/Venafi/vcert/v5/pkg/util"
	"github.com/Venafi/vcert/v5/pkg/venafi/tpp"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// origin is how the server's people see who asks.
const origin = "certwright"

// asked is a request as the library wants it, without what the zone adds.
type asked struct {
	template *x509.Certificate
	csr      []byte
	lasts    time.Duration
	fields   []certificate.CustomField
	object   string // its name at a self-hosted server
}

// newAsked makes it. Errors: a fault that refuses the request.
func newAsked(r issuers.Request, m material) (asked, error) {
	text, name := r.Annotation(cmapi.VenafiCustomFieldsAnnotationKey)
	fields, err := parseFields(text, name)
	if err != nil {
		return asked{}, &fault{refused: reasonFields, words: err.Error()}
	}
	if r.Template.Subject.String() == "" {
		return asked{}, &fault{refused: reasonRequest, words: "the request has no subject, without which Venafi issues nothing: set spec.commonName, or spec.subject"}
	}
	a := asked{template: r.Template, csr: r.CSR, lasts: cmapi.DefaultCertificateDuration, fields: merged(m.fields, fields), object: objectName(r.Template)}
	if r.Duration != nil {
		a.lasts = r.Duration.Duration
	}
	if a.object == "" {
		return a, &fault{refused: reasonRequest, words: "the request has no name to file it under: set spec.commonName, or one of the alternative names"}
	}
	return a, nil
}

// objectName is the first name there is.
func objectName(t *x509.Certificate) string {
	switch {
	case t.Subject.CommonName != "":
		return t.Subject.CommonName
	case len(t.DNSNames) > 0:
		return t.DNSNames[0]
	case len(t.URIs) > 0:
		return t.URIs[0].String()
	case len(t.EmailAddresses) > 0:
		return t.EmailAddresses[0]
	case len(t.IPAddresses) > 0:
		return t.IPAddresses[0].String()
	}
	return ""
}

func (a asked) library() (*certificate.Request, error) {
	req := certificate.NewRequest(a.template)
	req.Subject = a.template.Subject
	req.FriendlyName = a.object
	req.ValidityDuration = &a.lasts
	req.IssuerHint = vcertutil.IssuerHintAllIssuers
	req.ChainOption = certificate.ChainOptionRootLast
	req.CsrOrigin = certificate.UserProvidedCSR
	req.CustomFields = append([]certificate.CustomField{{Type: certificate.CustomFieldOrigin, Value: origin}}, a.fields...)
	return req, req.SetCSR(a.csr)
}

// zone reads the zone's policy and defaults.
func (l *line) zone() (*endpoint.ZoneConfiguration, error) {
	zone, err := call(l, "read_zone_configuration", l.ReadZoneConfiguration)
	return zone, l.fault(err, "")
}

// request has the server take a request, and returns its pickup id. Errors: a
// fault.
func (l *line) request(a asked) (pickup string, err error) {
	zone, err := l.zone()
	if err != nil {
		return "", err
	}
	req, err := a.library()
	if err != nil {
		return "", &fault{refused: reasonRequest, words: fmt.Sprintf("the CSR cannot be sent to Venafi: %v", err)}
	}
	zone.UpdateCertificateRequest(req)
	if err := zone.ValidateCertificateRequest(req); err != nil {
		return "", &fault{refused: reasonRequest, words: fmt.Sprintf("the policy of zone %q refuses the request: %s: ask for what the zone allows, or have its policy changed",
			l.material.spec().Zone, issuers.Words(err.Error()))}
	}
	if err := l.reset(req); err != nil {
		return "", err
	}
	pickup, err = call(l, "request_certificate", func() (string, error) { return l.RequestCertificate(req) })
	if err == nil && pickup == "" {
		err = errors.New("there is no pickup id in the answer")
	}
	return pickup, l.fault(err, reasonRequest)
}

// reset clears what is left at a self-hosted server of an attempt before that
// failed: it would refuse the next.
func (l *line) reset(req *certificate.Request) error {
	c, ok := l.connector.(*tpp.Connector)
	if !ok {
		return nil
	}
	_, err := protect(func() (struct{}, error) { return struct{}{}, c.ResetCertificate(req, false) })
	if err == nil || tpp.IsCertNotFound(err) {
		return nil
	}
	return l.fault(err, reasonRequest)
}

// retrieve looks once for what came of a request. Without a chain in the
// outcome it is pending, in the words of status. Errors: a fault, a refusal.
func (l *line) retrieve(a asked, pickup string, r issuers.Request) (out issuers.Outcome, status string, err error) {
	req, err := a.library()
	if err != nil {
		return out, "", &fault{refused: reasonRequest, words: fmt.Sprintf("the CSR cannot be compared with Venafi's certificate: %v", err)}
	}
	req.PickupID, req.Timeout = pickup, 0 // 0: once
	answer, err := call(l, "retrieve_certificate", func() (*certificate.PEMCollection, error) { return l.RetrieveCertificate(req) })
	var pending endpoint.ErrCertificatePending
	switch {
	case errors.As(err, &pending) && bad(pending.Status), errors.As(err, &endpoint.ErrCertificateRejected{}):
		return out, "", &fault{refused: reasonRetrieve, words: fmt.Sprintf("the request was not approved (%s): ask its zone's owner, and make a new one", issuers.Words(pending.Status))}
	case errors.As(err, &pending):
		return out, issuers.Words(pending.Status), nil
	case err != nil && l.witness.status == 200 && answer != nil:
		return out, "", &fault{refused: reasonRetrieve, words: "the certificate that Venafi has under this pickup id is for another request: make a new one"}
	case err != nil:
		return out, "", l.fault(err, reasonRetrieve)
	}
	out, err = answered(r, answer)
	return out, "", err
}

func answered(r issuers.Request, answer *certificate.PEMCollection) (issuers.Outcome, error) {
	leaf, err := pki.ParseCertificates([]byte(answer.Certificate))
	if err != nil {
		return issuers.Outcome{}, issuers.Refuse("ParseError", "Venafi's certificate cannot be used: %v", err)
	}
	pool := leaf[1:]
	for _, text := range answer.Chain {
		certs, err := pki.ParseCertificates([]byte(text))
		if err != nil {
			return issuers.Outcome{}, issuers.Refuse("ParseError", "Venafi's chain cannot be used: %v", err)
		}
		pool = append(pool, certs...)
	}
	return issuers.Issued(r, "Venafi", leaf[0], pool)
}
