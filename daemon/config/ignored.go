package config

import "github.com/spf13/pflag"

// ignored is a flag of cert-manager's controller that means nothing here. It
// is accepted, so that the args of an existing Deployment start unchanged, and
// named in one line at the start, so that nobody relies on it unknowingly.
type ignored struct {
	flag string
	// boolean flags may stand without a value; others take the next argument.
	boolean bool
	why     string
}

// reasons that several flags share
const (
	noMeterTLS = "metrics are served without TLS; put a proxy before them where that matters"
)

// ignoredFlags is the whole list, in the order of cert-manager's reference.
func ignoredFlags() []ignored {
	return []ignored{
		{flag: "enable-certificates-data-source", boolean: true, why: "Certificates are watched anyway"},
		{flag: "feature-gates", why: "there are no feature gates; what cert-manager has as beta and stable is on"},
		{flag: "internal-healthz-leader-election-timeout", why: "/livez needs no tuning"},
		{flag: "internal-healthz-listen-address", why: "use --healthz-listen-address"},
		{flag: "log-flush-frequency", why: "log lines are written at once"},
		{flag: "metrics-dynamic-serving-ca-secret-name", why: noMeterTLS},
		{flag: "metrics-dynamic-serving-ca-secret-namespace", why: noMeterTLS},
		{flag: "metrics-dynamic-serving-dns-names", why: noMeterTLS},
		{flag: "metrics-dynamic-serving-leaf-duration", why: noMeterTLS},
		{flag: "metrics-tls-cert-file", why: noMeterTLS},
		{flag: "metrics-tls-cipher-suites", why: noMeterTLS},
		{flag: "metrics-tls-min-version", why: noMeterTLS},
		{flag: "metrics-tls-private-key-file", why: noMeterTLS},
	}
}

// bindIgnored lets fs accept the ignored flags without showing them.
func bindIgnored(fs *pflag.FlagSet) {
	for _, i := range ignoredFlags() {
		f := fs.VarPF(&anything{boolean: i.boolean}, i.flag, "", "accepted for cert-manager's sake, without effect: "+i.why)
		f.Hidden = true
		if i.boolean {
			f.NoOptDefVal = "true"
		}
	}
}

// ignoredNotices names the ignored flags that were given.
func ignoredNotices(fs *pflag.FlagSet) []string {
	var notices []string
	for _, i := range ignoredFlags() {
		if fs.Changed(i.flag) {
			notices = append(notices, "--"+i.flag+" has no effect: "+i.why)
		}
	}
	return notices
}

// anything is a flag value that takes every text and keeps none.
type anything struct{ boolean bool }

func (*anything) Set(string) error { return nil }
func (*anything) String() string   { return "" }
func (a *anything) Type() string {
	if a.boolean {
		return "bool"
	}
	return "string"
}
