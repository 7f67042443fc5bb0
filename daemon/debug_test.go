package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"pgregory.net/rapid"
)

func init() {
	debugFail = func(w *world, name string) {
		f, _ := os.CreateTemp("/tmp", "simfail")
		defer f.Close()
		fmt.Fprintf(f, "failed %s at %s\n", name, time.Now())
		for _, c := range w.api.history {
			o := c.after
			verb := "write"
			if o == nil {
				o, verb = c.before, "DELETE"
			}
			if !strings.HasPrefix(o.GetName(), name) {
				continue
			}
			fmt.Fprintf(f, "%d %s %s %s\n", c.version, verb, c.kind.plural, o.GetName())
			if c.kind.plural == "secrets" && verb == "write" {
				s := asSecret(o.Unstructured)
				pair, err := tls.X509KeyPair(s.Data["tls.crt"], s.Data["tls.key"])
				if err == nil {
					leaf, _ := x509.ParseCertificate(pair.Certificate[0])
					fmt.Fprintf(f, "   names %v serial %x key %x rev\n", leaf.DNSNames, leaf.SerialNumber, leaf.RawSubjectPublicKeyInfo[40:48])
				} else {
					fmt.Fprintf(f, "   %v %v\n", err, s.Labels)
				}
			} else if verb == "write" {
				fmt.Fprintf(f, "   %.2500s\n", o.raw)
			}
		}
		for _, r := range w.replicas {
			fmt.Fprintf(f, "==== %s\n%s\n", r.name, r.log)
		}
	}
}

func TestDebug(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(t *rapid.T) {
			s := &simulation{world: newWorld(t), t: t, names: []string{"api"}}
			s.chaos = newChaos(t)
			s.chaos.errors, s.chaos.lost, s.chaos.slowness, s.chaos.lateness = 6, 10, 400, 1900
			s.create(issuer("selfsigned", selfSigned()), root(), issuer("ca", caOf("root-tls")), poison())
			for _, name := range s.names {
				s.create(certificate(name, "ca"))
			}
			ms := func(n int) { s.wait(time.Duration(rapid.IntRange(0, n).Draw(t, "ms")) * time.Millisecond) }
			s.launchDaemon()
			ms(20)
			s.current.kill()
			s.launchDaemon()
			ms(3000)
			s.deleteRequests()
			ms(16000)
			s.change("api", func(crt *cmapi.Certificate) { crt.Spec.DNSNames = append(crt.Spec.DNSNames, "n1.example.com") })
			ms(500)
			s.changeSecret("root-tls", spoilers["no data"])
			ms(4000)
			s.current.kill()
			s.launchDaemon()
			ms(100)
			s.change("api", func(crt *cmapi.Certificate) { crt.Spec.IssuerRef.Name = "nobody" })
			ms(1000)
			s.current.stop()
			s.launchDaemon()
			s.calm()
			s.expectReady("api")
			s.current.stop()
		})
	})
}
