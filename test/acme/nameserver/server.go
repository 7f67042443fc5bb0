package nameserver

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"time"

	"github.com/miekg/dns"
)

// Zones, as they stand in names of certificates.
const (
	HTTPZone   = "http.test"
	DNSZone    = "dns.test"
	LockedZone = "locked.test"
)

// Key signs updates: a TSIG key of HMAC-SHA256.
type Key struct {
	// Name is the key's, without the final dot.
	Name string
	// Secret is in base64, as BIND and Secrets of users have it.
	Secret string
}

// newKey makes a key that nobody knows.
func newKey(name string) Key {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // it never fails
	return Key{Name: name, Secret: base64.StdEncoding.EncodeToString(secret)}
}

// Server answers at Address over UDP and TCP.
type Server struct {
	// Address is host:port.
	Address string
	// Key may change the TXT records of DNSZone.
	Key Key
	// Powerless is a key that the server knows and that may change nothing.
	Powerless Key
	// Program says what answers: "BIND" or "own".
	Program string

	close func()
}

// Options say which server to start.
type Options struct {
	// Dir is an empty folder for its files and its log.
	Dir string
	// Own takes our own server also where BIND is.
	Own bool
	// Address is host:port to listen at, a free port of 127.0.0.1 when empty.
	// The names of HTTPZone lead to the same host.
	Address string
}

// Start starts a server and waits until it answers.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Address == "" {
		port, err := freePort()
		if err != nil {
			return nil, fmt.Errorf("find a port for the DNS server: %w", err)
		}
		o.Address = fmt.Sprintf("127.0.0.1:%d", port)
	}
	s := &Server{Address: o.Address, Key: newKey("certwright"), Powerless: newKey("powerless")}
	host, port, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, err
	}
	if path, missing := exec.LookPath("named"); missing == nil && !o.Own {
		err = s.startBIND(ctx, path, o.Dir, host, port)
	} else {
		err = s.startOwn(host)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close ends the server.
func (s *Server) Close() error {
	if s.close != nil {
		s.close()
	}
	return nil
}

// freePort finds a port that is free for UDP and TCP.
func freePort() (int, error) {
	for range 20 {
		stream, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := stream.Addr().(*net.TCPAddr).Port
		packets, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
		stream.Close()
		if err == nil {
			return port, packets.Close()
		}
	}
	return 0, errors.New("20 ports that are free for TCP are taken for UDP")
}

// answers asks for the zone's SOA record.
func (s *Server) answers(ctx context.Context) error {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(DNSZone), dns.TypeSOA)
	client := &dns.Client{Timeout: time.Second}
	answer, _, err := client.ExchangeContext(ctx, question, s.Address)
	if err != nil {
		return err
	}
	if answer.Rcode != dns.RcodeSuccess || len(answer.Answer) == 0 {
		return fmt.Errorf("the SOA of %s: %s", DNSZone, dns.RcodeToString[answer.Rcode])
	}
	return nil
}

// TXT returns the names and values of all TXT records in DNSZone, as
// "name value", by a zone transfer: what nobody removed is there.
func (s *Server) TXT() ([]string, error) {
	question := new(dns.Msg).SetAxfr(dns.Fqdn(DNSZone))
	question.SetTsig(dns.Fqdn(s.Key.Name), dns.HmacSHA256, 300, time.Now().Unix())
	transfer := &dns.Transfer{TsigSecret: map[string]string{dns.Fqdn(s.Key.Name): s.Key.Secret}}
	envelopes, err := transfer.In(question, s.Address)
	if err != nil {
		return nil, err
	}
	var found []string
	for envelope := range envelopes {
		if envelope.Error != nil {
			return nil, fmt.Errorf("transfer %s: %w", DNSZone, envelope.Error)
		}
		for _, record := range envelope.RR {
			if txt, is := record.(*dns.TXT); is {
				found = append(found, fmt.Sprint(txt.Hdr.Name, " ", txt.Txt))
			}
		}
	}
	return found, nil
}
