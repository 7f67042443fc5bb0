package webhookcerts

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/webhookset"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
)

// state is what a row begins with; a nil Secret does not exist.
type scene struct {
	set        *webhookset.Set
	ca, server *corev1.Secret
	hooks      []*admissionv1.ValidatingWebhookConfiguration
	extra      func(*Observed)
}

// observed reads the scene as the handler does.
func (s scene) observed() Observed {
	o := Observed{Set: s.set, CA: readCA(s.ca, s.set.CA, now), Server: readServer(s.server, s.set.Server)}
	if s.ca != nil {
		o.Old = without(certificates(s.ca.Data["ca-old.crt"], now), o.CA.Cert)
		o.Made, _ = time.Parse(time.RFC3339, s.ca.Annotations["certwright.dev/made"])
	}
	for _, c := range s.hooks {
		h := newHook(webhookset.ValidatingKind, &c.ObjectMeta)
		for i := range c.Webhooks {
			h.Webhooks = append(h.Webhooks, Webhook{c.Webhooks[i].Name, &c.Webhooks[i].ClientConfig})
		}
		o.Hooks = append(o.Hooks, h)
	}
	if o.spreadState() != "" {
		o.SpreadSince = now.Add(-time.Hour)
	}
	if s.extra != nil {
		s.extra(&o)
	}
	return o
}

// told is a step in the words of the table below.
func told(step Step) string {
	switch s := step.(type) {
	case Rest:
		if s.Warning != "" {
			return "rest: " + s.Warning
		}
		return fmt.Sprintf("rest %s", s.After)
	case MakeCA:
		return fmt.Sprintf("make CA: %s, %d in a row", s.Cause, s.Remade)
	case Sign:
		return strings.TrimSpace(fmt.Sprintf("sign: %s %s", s.Cause, owing(s.Owes)))
	case Spread:
		text := fmt.Sprintf("spread to %d %s", len(s.Hooks), owing(s.Owes))
		if !s.NoCABefore.IsZero() {
			text += "no CA before " + s.NoCABefore.Format(time.TimeOnly)
		}
		return strings.TrimSpace(text)
	case Dress:
		return fmt.Sprintf("dress CA %t server %t", s.CA, s.Server)
	case Retire:
		return "retire: " + s.Why
	}
	return "?"
}

func owing(c Cause) string {
	if c == "" {
		return ""
	}
	return "owes " + string(c)
}

func TestNext(t *testing.T) {
	a, b, other := newAuthority(t), newAuthority(t), newAuthority(t)
	ofA, ofB, foreign := a.server(t), b.server(t), other.server(t)
	garbage := []byte("-----BEGIN CERTIFICATE-----\nZ\n-----END CERTIFICATE-----\n")
	rows := map[string]struct {
		edit func(*scene)
		want string
	}{
		"steady": {func(*scene) {}, "rest 7032h0m0s"}, // 300 days but for a week

		"CA Secret missing":           {func(s *scene) { s.ca = nil }, "make CA: ca-missing, 0 in a row"},
		"CA key missing":              {func(s *scene) { delete(s.ca.Data, "ca.key") }, "make CA: ca-unusable, 1 in a row"},
		"CA key of another":           {func(s *scene) { s.ca.Data["ca.key"] = b.keyPEM }, "make CA: ca-unusable, 1 in a row"},
		"CA garbage":                  {func(s *scene) { s.ca.Data["ca.crt"] = garbage }, "make CA: ca-unusable, 1 in a row"},
		"CA empty":                    {func(s *scene) { s.ca.Data["ca.crt"], s.ca.Data["ca.key"] = nil, nil }, "make CA: ca-unusable, 1 in a row"},
		"not a CA":                    {func(s *scene) { s.ca.Data["ca.crt"], s.ca.Data["ca.key"] = ofA.certPEM, ofA.keyPEM }, "make CA: ca-unusable, 1 in a row"},
		"CA expired":                  {func(s *scene) { s.become(t, newAuthority(t, ends(-time.Hour))) }, "make CA: ca-expired, 1 in a row"},
		"CA expires soon":             {func(s *scene) { s.become(t, newAuthority(t, ends(6*day))) }, "make CA: ca-expiring, 0 in a row"},
		"CA expires not so soon":      {func(s *scene) { s.become(t, newAuthority(t, ends(8*day))) }, "rest 24h0m0s"},
		"CA of another, bundles keep": {func(s *scene) { s.ca = caSecret(b, "Steady") }, "make CA: server-of-another-ca, 1 in a row"},
		"spoilt again and again": {func(s *scene) {
			s.ca.Data["ca.key"] = nil
			s.extra = func(o *Observed) { o.Remade, o.Made = 4, now.Add(-time.Minute) }
		}, "rest: the CA is spoilt again and again, so the next one is made at 2026-03-01T12:01:00Z: find out who does it"},

		"server Secret missing":       {func(s *scene) { s.server = nil }, "sign: server-missing"},
		"server garbage":              {func(s *scene) { s.server.Data["tls.crt"] = garbage }, "sign: server-unusable"},
		"server keys empty":           {func(s *scene) { s.server.Data = nil }, "sign: server-unusable"},
		"server key of another":       {func(s *scene) { s.server.Data["tls.key"] = ofB.keyPEM }, "sign: server-unusable"},
		"server of another CA":        {func(s *scene) { s.server = serverSecret(foreign) }, "sign: server-of-another-ca owes server-of-another-ca"},
		"the same by a new CA":        {func(s *scene) { s.server = serverSecret(foreign); s.extra = func(o *Observed) { o.Fresh = true } }, "sign: server-of-another-ca"},
		"server of another CA, often": {func(s *scene) { s.server = serverSecret(foreign); s.lately(1) }, "sign: server-of-another-ca"},
		"server re-signed by the CA":  {func(s *scene) { s.server = serverSecret(a.server(t)) }, "rest 7032h0m0s"},
		"server expires soon":         {func(s *scene) { s.server = serverSecret(a.server(t, ends(6*day))) }, "sign: server-expiring"},
		"server and CA expire soon": {func(s *scene) {
			ca := newAuthority(t, ends(6*day))
			s.become(t, ca)
			s.server = serverSecret(ca.server(t, ends(5*day)))
		}, "make CA: ca-expiring, 0 in a row"},
		"server expires soon, bundle refused": {func(s *scene) { s.server = serverSecret(a.server(t, ends(6*day))); s.hook(hookWith(nil, a)) }, "sign: server-expiring"},
		"server expired":                      {func(s *scene) { s.server = serverSecret(a.server(t, ends(-day))) }, "sign: server-expiring"},
		"server without a name": {func(s *scene) {
			s.server = serverSecret(a.server(t, func(c *x509.Certificate) { c.DNSNames = []string{"hook.shop"} }))
		}, "sign: server-names"},
		"server for clients only": {func(s *scene) {
			s.server = serverSecret(a.server(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }))
		}, "sign: server-unusable"},

		"bundle emptied":             {func(s *scene) { s.hook(hookWith(nil, a)) }, "spread to 1 owes bundle-drift"},
		"bundle of another CA":       {func(s *scene) { s.hook(hookWith(other.certPEM, a)) }, "spread to 1 owes bundle-drift"},
		"bundle garbage":             {func(s *scene) { s.hook(hookWith([]byte("x"), a)) }, "spread to 1 owes bundle-drift"},
		"one of two bundles":         {func(s *scene) { h := hookWith(a.certPEM, a); h.Webhooks[1].ClientConfig.CABundle = nil; s.hook(h) }, "spread to 1 owes bundle-drift"},
		"bundle emptied, restore":    {func(s *scene) { s.set.OnBundleDrift = webhookset.Restore; s.hook(hookWith(nil, a)) }, "spread to 1"},
		"bundle emptied, often":      {func(s *scene) { s.hook(hookWith(nil, a)); s.lately(1) }, "spread to 1 no CA before 12:09:00"},
		"bundle emptied, more often": {func(s *scene) { s.hook(hookWith(nil, a)); s.lately(3) }, "spread to 1 no CA before 12:39:00"},
		"bundle emptied, in a storm": {func(s *scene) {
			s.hook(hookWith(nil, a))
			s.extra = func(o *Observed) { o.MayMend = now.Add(time.Millisecond) }
		}, "rest 1ms"},
		"bundle new":                    {func(s *scene) { s.hook(hookWith(nil)) }, "spread to 1"},
		"bundle right, mark missing":    {func(s *scene) { s.hook(hookWith(a.certPEM)) }, "spread to 1"},
		"bundle behind: still with old": {func(s *scene) { s.hook(hookWith(bundleOf(a, b), a, b)) }, "spread to 1"},
		"webhook added": {func(s *scene) {
			h := hookWith(a.certPEM, a)
			h.Webhooks = append(h.Webhooks, admissionv1.ValidatingWebhook{Name: "c.example.com"})
			s.hook(h)
		}, "spread to 1"},
		"no webhook configuration": {func(s *scene) { s.hooks = nil }, "rest: no webhook configuration of the set exists: create it, or correct webhooks in the configuration"},
		"one of them missing":      {func(s *scene) { s.set.Mutating = []string{"m"} }, `rest: MutatingWebhookConfiguration "m" does not exist: create it, or correct webhooks in the configuration`},
		"CA owed":                  {func(s *scene) { s.extra = func(o *Observed) { o.Owed = BundleDrift } }, "make CA: bundle-drift, 1 in a row"},
		"CA asked for":             {func(s *scene) { s.ask("ca 1") }, "make CA: ca-forced, 0 in a row"},
		"CA asked for and done":    {func(s *scene) { s.ask("ca 1"); s.ca.Annotations["certwright.dev/rotated"] = "ca 1" }, "rest 7032h0m0s"},
		"server asked for":         {func(s *scene) { s.ask("server 1") }, "sign: server-forced"},
		"server asked for and done": {func(s *scene) {
			s.ask("server 1")
			s.server.Annotations = map[string]string{"certwright.dev/rotated": "server 1"}
		}, "rest 7032h0m0s"},
		"nonsense asked for": {func(s *scene) { s.ask("nonsense") }, "rest 7032h0m0s"},

		"label removed from the CA":      {func(s *scene) { s.ca.Labels = nil }, "dress CA true server false"},
		"label removed from the server":  {func(s *scene) { s.server.Labels = nil }, "dress CA false server true"},
		"since removed":                  {func(s *scene) { delete(s.ca.Annotations, "certwright.dev/rotation-since") }, "dress CA true server false"},
		"garbage in the place of old CA": {func(s *scene) { s.ca.Data["ca-old.crt"] = []byte("x") }, "dress CA true server false"},

		"spreading: bundles behind": {func(s *scene) { s.spreading(b, a, ofA, hookWith(a.certPEM, a)) }, "spread to 1"},
		"spreading: overwritten":    {func(s *scene) { s.spreading(b, a, ofA, hookWith(nil, a)) }, "spread to 1"},
		"spreading: just now": {func(s *scene) {
			s.spreading(b, a, ofA, hookWith(bundleOf(b, a), a, b))
			s.extra = spreadFor(3 * time.Second)
		}, "rest 7s"},
		"spreading: for long enough": {func(s *scene) {
			s.spreading(b, a, ofA, hookWith(bundleOf(b, a), a, b))
			s.extra = spreadFor(10 * time.Second)
		}, "sign: ca-rotated"},
		"spreading: held up for long": {func(s *scene) {
			s.spreading(b, a, ofA, hookWith(bundleOf(b, a), a, b))
			s.ca.Annotations["certwright.dev/rotation-since"] = "2026-03-01T11:50:00Z"
			s.extra = spreadFor(0)
		}, "sign: ca-rotated"},
		"spreading: server Secret gone": {func(s *scene) { s.spreading(b, a, ofA, hookWith(bundleOf(b, a), a, b)); s.server = nil }, "sign: server-missing"},
		"spreading: without webhooks":   {func(s *scene) { s.spreading(b, a, ofA); s.extra = spreadFor(0) }, "sign: ca-rotated"},
		"spreading: CA asked for": {func(s *scene) {
			s.spreading(b, a, ofA, hookWith(bundleOf(b, a), a, b))
			s.ask("ca 2")
			s.extra = spreadFor(0)
		}, "rest 10s"},
		"spreading: CA Secret lost": {func(s *scene) { s.spreading(b, a, ofA, hookWith(bundleOf(b, a), a, b)); s.ca = nil }, "make CA: ca-missing, 0 in a row"},

		"serving: not said yet":     {func(s *scene) { s.spreading(b, a, ofB, hookWith(bundleOf(b, a), a, b)) }, "dress CA true server false"},
		"serving: not seen":         {func(s *scene) { s.serving(a, b, ofB, 0); s.extra = sight(Unseen, 0) }, "rest 5s"},
		"serving: old one seen":     {func(s *scene) { s.serving(a, b, ofB, 0); s.extra = sight(SeenFormer, 0) }, "rest 5s"},
		"serving: just seen":        {func(s *scene) { s.serving(a, b, ofB, 0); s.extra = sight(SeenNew, 9*time.Second) }, "rest 5s"},
		"serving: seen long enough": {func(s *scene) { s.serving(a, b, ofB, 0); s.extra = sight(SeenNew, 10*time.Second) }, "retire: the new certificate is seen served"},
		"serving: grace passed":     {func(s *scene) { s.serving(a, b, ofB, 3*time.Minute); s.extra = sight(Unseen, 0) }, "retire: the grace time has passed"},
		"serving: old one for ever": {func(s *scene) { s.serving(a, b, ofB, time.Hour); s.extra = sight(SeenFormer, 0) },
			"rest: a server still serves the certificate of the old CA, long after the new one was stored; the old CA stays in the bundles: does the server reload its certificate?"},
		"serving: no probe":           {func(s *scene) { s.serving(a, b, ofB, time.Minute); s.set.Probe = false }, "rest 2m0s"},
		"serving: server spoilt":      {func(s *scene) { s.serving(a, b, ofB, 0); s.server.Data["tls.key"] = ofA.keyPEM }, "sign: server-unusable"},
		"serving: server of another":  {func(s *scene) { s.serving(a, b, foreign, 0) }, "sign: ca-rotated"},
		"serving: bundle overwritten": {func(s *scene) { s.serving(a, b, ofB, 0); s.hook(hookWith(nil, a, b)) }, "spread to 1"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			s := scene{set: shop(), ca: caSecret(a, "Steady"), server: serverSecret(ofA), hooks: []*admissionv1.ValidatingWebhookConfiguration{hookWith(a.certPEM, a)}}
			row.edit(&s)
			if got := told(Next(s.observed(), now)); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

// become makes everything of one CA.
func (s *scene) become(t *testing.T, ca *authority) {
	s.ca, s.server = caSecret(ca, "Steady"), serverSecret(ca.server(t))
	s.hook(hookWith(ca.certPEM, ca))
}

func (s *scene) hook(h *admissionv1.ValidatingWebhookConfiguration) {
	s.hooks = []*admissionv1.ValidatingWebhookConfiguration{h}
}

func (s *scene) ask(what string) { s.ca.Annotations["certwright.dev/rotate"] = what }

// lately says that the CA was made a minute ago, the nth in a row.
func (s *scene) lately(n int) {
	s.extra = func(o *Observed) { o.Remade, o.Made = n, now.Add(-time.Minute) }
}

func (s *scene) spreading(next, last, server *authority, hooks ...*admissionv1.ValidatingWebhookConfiguration) {
	s.ca, s.server, s.hooks = caSecret(next, "Spreading", last), serverSecret(server), hooks
}

// serving is a rotation from a to b in its last phase, since some time.
func (s *scene) serving(a, b, server *authority, since time.Duration) {
	s.spreading(b, a, server, hookWith(bundleOf(b, a), a, b))
	s.ca.Annotations["certwright.dev/rotation-phase"] = "Serving"
	s.ca.Annotations["certwright.dev/rotation-since"] = now.Add(-since).Format(time.RFC3339)
}

func spreadFor(d time.Duration) func(*Observed) {
	return func(o *Observed) { o.SpreadSince = now.Add(-d) }
}

func sight(s Sight, ago time.Duration) func(*Observed) {
	return func(o *Observed) { o.Sight, o.SeenSince = s, now.Add(-ago) }
}
