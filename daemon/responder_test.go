package daemon

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/internal/responder"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// inFlight is a challenge as the handler of challenges leaves it.
func inFlight(name, domain, token string, change func(*cmacme.Challenge)) *cmacme.Challenge {
	ch := &cmacme.Challenge{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
		Spec: cmacme.ChallengeSpec{
			Type: cmacme.ACMEChallengeTypeHTTP01, DNSName: domain, Token: token, Key: token + ".of-" + name,
			IssuerRef: cmmeta.IssuerReference{Name: "acme"},
		},
		Status: cmacme.ChallengeStatus{Processing: true},
	}
	if change != nil {
		change(ch)
	}
	return ch
}

// Every replica answers what is under way, and no more: neither what waits for
// its place, nor what has its end, nor what is proved by DNS.
func TestWhatIsAnswered(t *testing.T) {
	bubble(t, func(w *world) {
		left := func(c *config.Config) { c.Controllers = []string{"*", "-challenges"} } // nobody changes these challenges
		leader, standby := w.start(withLease, left), w.start(withLease, left)
		for _, ch := range []*cmacme.Challenge{
			inFlight("web", "www.example.com", "t1", nil),
			inFlight("other", "other.example.com", "t1", nil),
			inFlight("waiting", "a.example.com", "t2", func(ch *cmacme.Challenge) { ch.Status.Processing = false }),
			inFlight("valid", "b.example.com", "t3", func(ch *cmacme.Challenge) { ch.Status.State = cmacme.Valid }),
			inFlight("dns", "c.example.com", "t4", func(ch *cmacme.Challenge) { ch.Spec.Type = cmacme.ACMEChallengeTypeDNS01 }),
		} {
			if _, err := w.user.CertManager.AcmeV1().Challenges(ns).Create(w.ctx, ch, metav1.CreateOptions{}); err != nil {
				w.Fatalf("create: %v", err)
			}
			if _, err := w.user.CertManager.AcmeV1().Challenges(ns).UpdateStatus(w.ctx, ch, metav1.UpdateOptions{}); err != nil {
				w.Fatalf("status: %v", err)
			}
		}
		w.wait(time.Second)
		for _, r := range []*replica{leader, standby} {
			look := (&answering{set: r.daemon.set}).look
			for token, want := range map[string]int{"t1": 2, "t2": 0, "t3": 0, "t4": 0, "": 0} {
				if got := look(token); len(got) != want {
					t.Errorf("%s: %q: %v", r.name, token, got)
				}
			}
			for _, a := range look("t1") {
				if a != (responder.Answer{Name: "www.example.com", KeyAuthorization: "t1.of-web"}) && a != (responder.Answer{Name: "other.example.com", KeyAuthorization: "t1.of-other"}) {
					t.Errorf("%s: %v", r.name, a)
				}
			}
		}
	})
}

// The port is a real socket (see serve_test.go).
func TestValidationIsServed(t *testing.T) {
	d, _ := serving(t, func(c *config.Config) { c.ACMEHTTP01SolverListenAddress = "127.0.0.1:0" })
	a, err := d.listenForValidation()
	if err != nil {
		t.Fatal(err)
	}
	address := d.cfg.ACMEHTTP01SolverListenAddress
	if strings.HasSuffix(address, ":0") {
		t.Errorf("the port that was found is not known: %s", address)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); a.run(ctx) }()
	r, err := http.Get("http://" + address + responder.Path("t1"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if body, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusNotFound || len(body) > 0 {
		t.Errorf("%d %q", r.StatusCode, body)
	}
	cancel()
	<-ended
}

func TestAPortForValidationThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d, _ := serving(t, func(c *config.Config) { c.ACMEHTTP01SolverListenAddress = l.Addr().String() })
	if _, err := d.listenForValidation(); err == nil || !strings.Contains(err.Error(), "--acme-http01-solver-listen-address") {
		t.Errorf("got %v", err)
	}
}

// Whoever solves no challenges, or has pods answer, opens no port.
func TestNoPortForValidation(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"off":           func(*config.Config) {},
		"no challenges": func(c *config.Config) { c.Controllers = []string{"*", "-challenges"} },
		"pods":          func(c *config.Config) { c.ACMEHTTP01SolverMode = config.SolverPod },
	} {
		d, _ := serving(t, func(c *config.Config) {
			if name != "off" {
				c.ACMEHTTP01SolverListenAddress = "127.0.0.1:0"
			}
			change(c)
		})
		if a, err := d.listenForValidation(); a != nil || err != nil {
			t.Errorf("%s: %v %v", name, a, err)
		}
	}
}

func TestHTTP01Settings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Config)
		pod    string
		host   string
		port   int
		words  string
	}{
		"nothing":          {nil, "", "", 8089, "--acme-http01-solver-address"},
		"pod":              {nil, "10.0.0.7", "10.0.0.7", 8089, ""},
		"IPv6 pod":         {nil, "2001:db8::7", "2001:db8::7", 8089, ""},
		"address":          {func(c *config.Config) { c.ACMEHTTP01SolverAddress = "192.0.2.10" }, "10.0.0.7", "192.0.2.10", 8089, ""},
		"address and port": {func(c *config.Config) { c.ACMEHTTP01SolverAddress = "solver.example.com:80" }, "", "solver.example.com", 80, ""},
		"another port":     {func(c *config.Config) { c.ACMEHTTP01SolverListenAddress = "0.0.0.0:9999" }, "10.0.0.7", "10.0.0.7", 9999, ""},
		"off":              {func(c *config.Config) { c.ACMEHTTP01SolverListenAddress = config.Off }, "10.0.0.7", "", 0, "--acme-http01-solver-listen-address"},
	} {
		cfg := config.Default()
		if c.change != nil {
			c.change(&cfg)
		}
		got := http01Settings(cfg, c.pod)
		if got.Host != c.host || got.Port != c.port || !strings.HasPrefix(got.Unreachable, c.words) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	cfg := config.Default()
	cfg.ACMEHTTP01SolverExtraLabels = []string{"a=b"}
	got := http01Settings(cfg, "")
	if !got.RunAsNonRoot || got.Pods || got.Resources.Limits.Cpu().String() != "100m" || got.Resources.Requests.Memory().String() != "64Mi" ||
		len(got.Resources.Limits) != 2 || len(got.Resources.Requests) != 2 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(map[string]string{"a": "b"}, got.Labels); diff != "" {
		t.Error(diff)
	}
}

// What a crash has left of what challenges share goes at the start.
func TestTheStartTakesLeftovers(t *testing.T) {
	bubble(t, func(w *world) {
		for name, label := range map[string]string{"cm-acme-http-solver": "true", "theirs": ""} {
			s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, Labels: map[string]string{"certwright.dev/http01-shared": label}}}
			if _, err := w.user.Core.CoreV1().Services(ns).Create(w.ctx, s, metav1.CreateOptions{}); err != nil {
				w.Fatalf("create: %v", err)
			}
		}
		w.start()
		left, err := w.user.Core.CoreV1().Services("").List(w.ctx, metav1.ListOptions{})
		if err != nil || len(left.Items) != 1 || left.Items[0].Name != "theirs" {
			t.Errorf("%v %v", left, err)
		}
	})
}
