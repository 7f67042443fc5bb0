package acme

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxBody is the longest answer that is read: a chain or an order for a hundred
// names has some tens of kilobytes.
const maxBody = 1 << 20

// maxNonces is how many refused nonces one call puts up with, a quarter of a
// second apart. Pebble refuses one in twenty to see whether clients bear it; a
// fleet of servers behind one name may refuse a few in a row.
const maxNonces = 6

// answer is what a server said last.
type answer struct {
	status int
	header http.Header
	body   []byte
	url    string
}

// exchange follows one call through acmez, which tells too little of an answer
// (no Retry-After of an error, no links) and tries again on its own.
type exchange struct {
	action, method string // of the request that counts; others are on the way to it
	// directoryURL is answered from memory, because acmez keeps directories for
	// hours, for the whole process, under a lock that it holds while it asks.
	directoryURL string
	directory    []byte
	stop         context.CancelFunc

	refusedNonces int
	last          *answer // of the request that counts; or what kept it from being made
	err           error
}

type exchangeKey struct{}

// recorder writes down every answer into the exchange it belongs to, meters the
// requests, and ends the attempts of acmez where ours is the next move.
type recorder struct {
	base    http.RoundTripper
	options *Options
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errors.New("acme: request outside of a call")
	}
	if x.directoryURL != "" && req.URL.String() == x.directoryURL {
		return remembered(req, x.directory), nil
	}
	began := r.options.Now()
	resp, err := r.base.RoundTrip(req)
	call := Call{Scheme: req.URL.Scheme, Host: req.URL.Host, Action: x.action, Method: req.Method}
	if req.Method != x.method {
		call.Action = actionNonce
	}
	var said *answer
	if err == nil {
		call.Status = resp.StatusCode
		said, err = read(req, resp)
	}
	call.Took = r.options.Now().Sub(began)
	r.options.Observe(req.Context(), call)
	x.note(req, said, err)
	return resp, err
}

// remembered answers a request for the directory.
func remembered(req *http.Request, body []byte) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader(body)),
	}
}

// read takes the whole answer, so that it can be read again.
func read(req *http.Request, resp *http.Response) (*answer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if closing := resp.Body.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return &answer{resp.StatusCode, resp.Header, body, req.URL.String()}, nil
}

// note keeps what counts, and stops a call that has nothing to gain by trying
// again at once.
func (x *exchange) note(req *http.Request, said *answer, err error) {
	x.err = err
	if err != nil {
		x.last = nil
		x.stop()
		return
	}
	if req.Method == x.method || said.status >= 400 {
		x.last = said
	}
	if said.status >= 500 {
		x.stop()
	}
	if said.problem().Type == "badNonce" {
		if x.refusedNonces++; x.refusedNonces >= maxNonces {
			x.stop()
		}
	}
}

// problem reads the problem document of an error (RFC 8555, section 6.7); the
// zero problem when there is none.
func (a *answer) problem() (p problem) {
	if a.status < 400 || json.Unmarshal(a.body, &p) != nil || !strings.Contains(a.header.Get("Content-Type"), "json") {
		return problem{}
	}
	p.normalize()
	return p
}

// decode reads the answer's JSON.
func (a *answer) decode(into any) error {
	if err := json.Unmarshal(a.body, into); err != nil {
		return &Error{Class: Transient, Status: a.status, Detail: "the ACME server's answer cannot be read: it is not the JSON that was asked for"}
	}
	return nil
}
