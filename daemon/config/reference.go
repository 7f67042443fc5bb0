package config

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteReference writes the reference of all options as Markdown, for the
// documentation: what each sets, why to change it, and its three spellings.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString(referenceIntro)
	c, group := Default(), ""
	for _, o := range Options() {
		if o.Group != group {
			group = o.Group
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		fmt.Fprintf(&b, "\n### `--%s`\n\n%s. Default: %s.\n\n%s\n\nEnvironment `%s`, file `%s`.\n",
			o.Flag, upperFirst(o.Use), defaultText(o.field(&c)), o.Why, o.Env(), o.Key())
	}
	b.WriteString(webhooksReference)
	b.WriteString(ignoredIntro)
	for _, i := range ignoredFlags() {
		fmt.Fprintf(&b, "| `--%s` | %s |\n", i.flag, i.why)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const referenceIntro = `# Options of certwright run

Every option has one name in three spellings: a flag, an environment variable
and a key of the file that ` + "`--config`" + ` (or ` + "`CERTWRIGHT_CONFIG`" + `) names. A flag wins
over the environment, the environment over the file, the file over the default.
An empty environment variable counts as not set. An unknown flag or key is an
error.

` + "```yaml" + `
apiVersion: ` + APIVersion + `
kind: ` + Kind + `
controllers: ["*", "-certificaterequests-approver"]
leaderElectionLeaseDuration: 60s
` + "```" + `
`

const ignoredIntro = `
## Flags of cert-manager without effect

They are accepted, so that the args of an existing Deployment start unchanged,
and each is named in one line of the log at the start.

| flag | why it has no effect |
|---|---|
`

// defaultText shows a default as one would write it.
func defaultText(field any) string {
	switch f := field.(type) {
	case *string:
		return code(*f)
	case *[]string:
		return code(strings.Join(*f, ","))
	case *time.Duration:
		return code(shortDuration(*f))
	case *bool:
		return code(fmt.Sprint(*f))
	case *int:
		return code(fmt.Sprint(*f))
	case *float32:
		return code(fmt.Sprint(*f))
	}
	return ""
}

func code(s string) string {
	if s == "" {
		return "empty"
	}
	return "`" + s + "`"
}

// shortDuration is 1h where time.Duration writes 1h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
