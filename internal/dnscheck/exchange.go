package dnscheck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// payload is the answer that fits into a packet on any path (RFC 9715).
const payload = 1232

func question(name string, qtype uint16) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(name, qtype)
	m.SetEdns0(payload, false)
	return m
}

// exchange asks one server by UDP, a second time when a packet seems lost, and
// by TCP when the answer does not fit.
func (c *Checker) exchange(ctx context.Context, m *dns.Msg, address string) (*dns.Msg, error) {
	reply, err := c.over(ctx, "udp", m, address)
	if isTimeout(err) && ctx.Err() == nil {
		reply, err = c.over(ctx, "udp", m, address)
	}
	if err == nil && reply.Rcode == dns.RcodeFormatError {
		m.Extra = nil // a server older than EDNS0 (RFC 6891 section 7)
		reply, err = c.over(ctx, "udp", m, address)
	}
	if err != nil || !reply.Truncated {
		return reply, err
	}
	return c.over(ctx, "tcp", m, address)
}

func (c *Checker) over(ctx context.Context, network string, m *dns.Msg, address string) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	client := dns.Client{Net: network, Timeout: c.timeout, UDPSize: payload}
	reply, _, err := client.ExchangeContext(ctx, m, address)
	return reply, plain(err)
}

func isTimeout(err error) bool { return errors.Is(err, errTimeout) }

var (
	errTimeout = errors.New("does not answer in time")
	errRefused = errors.New("cannot be connected to")
)

// plain takes from a network fault what changes from time to time, such as our
// own port.
func plain(err error) error {
	var network net.Error
	var op *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return errTimeout
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &op):
		return errRefused
	}
	return fmt.Errorf("answers what is no DNS message (%w)", err)
}

// dohClient asks resolvers over HTTPS.
type dohClient struct{ http *http.Client }

func newDoHClient(timeout time.Duration) *dohClient {
	return &dohClient{&http.Client{Timeout: timeout}}
}

const dnsMessage = "application/dns-message"

// exchange sends m as RFC 8484 section 4.1 has it.
func (d *dohClient) exchange(ctx context.Context, m *dns.Msg, url string) (*dns.Msg, error) {
	m.Id = 0 // so that caches on the way see equal questions (section 4.1)
	packed, err := m.Pack()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", dnsMessage)
	request.Header.Set("Accept", dnsMessage)
	response, err := d.http.Do(request)
	if err != nil {
		return nil, plain(err)
	}
	defer response.Body.Close()
	return readDoH(response)
}

func readDoH(response *http.Response) (*dns.Msg, error) {
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("answers HTTP status %d", response.StatusCode)
	}
	if kind := response.Header.Get("Content-Type"); !strings.HasPrefix(kind, dnsMessage) {
		return nil, fmt.Errorf("is no DNS-over-HTTPS resolver: it answers %q", kind)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, dns.MaxMsgSize))
	if err != nil {
		return nil, plain(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(body); err != nil {
		return nil, plain(err)
	}
	return m, nil
}
