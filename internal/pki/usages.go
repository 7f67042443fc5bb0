package pki

import (
	"crypto/x509"
	"fmt"
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// RFC 5280 section 4.2.1.3. "signing" is an old second name for digital
// signature.
var keyUsages = map[cmapi.KeyUsage]x509.KeyUsage{
	cmapi.UsageSigning:           x509.KeyUsageDigitalSignature,
	cmapi.UsageDigitalSignature:  x509.KeyUsageDigitalSignature,
	cmapi.UsageContentCommitment: x509.KeyUsageContentCommitment,
	cmapi.UsageKeyEncipherment:   x509.KeyUsageKeyEncipherment,
	cmapi.UsageKeyAgreement:      x509.KeyUsageKeyAgreement,
	cmapi.UsageDataEncipherment:  x509.KeyUsageDataEncipherment,
	cmapi.UsageCertSign:          x509.KeyUsageCertSign,
	cmapi.UsageCRLSign:           x509.KeyUsageCRLSign,
	cmapi.UsageEncipherOnly:      x509.KeyUsageEncipherOnly,
	cmapi.UsageDecipherOnly:      x509.KeyUsageDecipherOnly,
}

// RFC 5280 section 4.2.1.12. S/MIME has no purpose of its own: it is e-mail
// protection (RFC 8551 section 4.4.4).
var extKeyUsages = map[cmapi.KeyUsage]x509.ExtKeyUsage{
	cmapi.UsageAny:             x509.ExtKeyUsageAny,
	cmapi.UsageServerAuth:      x509.ExtKeyUsageServerAuth,
	cmapi.UsageClientAuth:      x509.ExtKeyUsageClientAuth,
	cmapi.UsageCodeSigning:     x509.ExtKeyUsageCodeSigning,
	cmapi.UsageEmailProtection: x509.ExtKeyUsageEmailProtection,
	cmapi.UsageSMIME:           x509.ExtKeyUsageEmailProtection,
	cmapi.UsageIPsecEndSystem:  x509.ExtKeyUsageIPSECEndSystem,
	cmapi.UsageIPsecTunnel:     x509.ExtKeyUsageIPSECTunnel,
	cmapi.UsageIPsecUser:       x509.ExtKeyUsageIPSECUser,
	cmapi.UsageTimestamping:    x509.ExtKeyUsageTimeStamping,
	cmapi.UsageOCSPSigning:     x509.ExtKeyUsageOCSPSigning,
	cmapi.UsageMicrosoftSGC:    x509.ExtKeyUsageMicrosoftServerGatedCrypto,
	cmapi.UsageNetscapeSGC:     x509.ExtKeyUsageNetscapeServerGatedCrypto,
}

// KeyUsages translates the usages of a Certificate or CertificateRequest. None
// at all means digital signature and key encipherment; isCA adds cert sign.
// The extended usages keep the order given, without repeats. The error names
// the first usage that is unknown.
func KeyUsages(usages []cmapi.KeyUsage, isCA bool) (x509.KeyUsage, []x509.ExtKeyUsage, error) {
	if len(usages) == 0 {
		usages = cmapi.DefaultKeyUsages()
	}
	var (
		basic    x509.KeyUsage
		extended []x509.ExtKeyUsage
	)
	for i, u := range usages {
		if bit, ok := keyUsages[u]; ok {
			basic |= bit
			continue
		}
		purpose, ok := extKeyUsages[u]
		if !ok {
			return 0, nil, fmt.Errorf("spec.usages[%d]: %q is not a usage: %s", i, u, usageRemedy)
		}
		if !slices.Contains(extended, purpose) {
			extended = append(extended, purpose)
		}
	}
	if isCA {
		basic |= x509.KeyUsageCertSign
	}
	return basic, extended, nil
}

const usageRemedy = `use one of the names of the API, such as "server auth" or "digital signature"`

// sameSet tells whether two lists hold the same values, whatever their order
// and however often.
func sameSet[T comparable](a, b []T) bool {
	return containsAll(a, b) && containsAll(b, a)
}

// containsAll tells whether every value of some is in all.
func containsAll[T comparable](all, some []T) bool {
	// Nearly every list here has a handful of entries; beyond that a map
	// keeps a certificate with thousands of names from costing their square.
	if len(all) > 16 {
		have := make(map[T]struct{}, len(all))
		for _, v := range all {
			have[v] = struct{}{}
		}
		return !slices.ContainsFunc(some, func(v T) bool { _, ok := have[v]; return !ok })
	}
	return !slices.ContainsFunc(some, func(v T) bool { return !slices.Contains(all, v) })
}
