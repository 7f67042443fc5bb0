package venafi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// witness sees what a call of the library meets on the wire. It serves one call
// at a time.
type witness struct {
	http.RoundTripper
	// ctx ends the call, which the library has no way to.
	ctx context.Context
	// failed is why there was no answer to the last request.
	failed error
	status int
	header http.Header
	body   []byte
}

// begin gets ready for a call.
func (w *witness) begin(ctx context.Context) {
	w.ctx, w.failed, w.status, w.header, w.body = ctx, nil, 0, nil, nil
}

// RoundTrip does as an http.RoundTripper does.
func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.RoundTripper.RoundTrip(r.WithContext(w.ctx))
	if err != nil {
		w.failed, w.status = err, 0
		return nil, err
	}
	w.failed, w.status, w.header = nil, answer.StatusCode, answer.Header
	w.body, err = io.ReadAll(answer.Body)
	_ = answer.Body.Close() // it has been read
	if err != nil {
		w.failed = err
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(w.body))
	return answer, nil
}

// retryAfter is what the server asks for, in seconds; 0: nothing.
func (w *witness) retryAfter() time.Duration {
	seconds, err := strconv.Atoi(w.header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, time.Hour)
}

// said is what the server said in one of the forms that these servers have;
// empty: it has none of them, and is not passed on, since what is behind the
// address need not be for its reader.
func (w *witness) said() string {
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Details     string `json:"ErrorDetails"`
		Status      string `json:"status"`
		Information struct {
			Message string `json:"message"`
		} `json:"errorInformation"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(w.body, &answer) != nil {
		return ""
	}
	var said []string
	for _, e := range answer.Errors {
		said = append(said, e.Message)
	}
	for _, text := range []string{answer.Information.Message, answer.Details, answer.Error, answer.Description} {
		if text != "" {
			said = append(said, text)
		}
	}
	if len(said) == 0 && answer.Status != "" {
		said = append(said, answer.Status)
	}
	return strings.Join(said, "; ")
}
