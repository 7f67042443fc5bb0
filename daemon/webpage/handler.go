package webpage

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets
var embedded embed.FS

// policy lets the page load its own style, script and icon, send its form to
// itself, and nothing else; nobody may frame it.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const (
	// atOnce answers are made at a time: each looks at every Certificate, and
	// the daemon has other work.
	atOnce = 2
	// turnPatience is how long a visitor waits for his turn.
	turnPatience = 5 * time.Second
	// sendTime bounds how long a visitor may take to receive an answer.
	sendTime = 30 * time.Second
)

// Handler serves the page. Use [New].
type Handler struct {
	options Options
	turns   chan struct{}
	now     func() time.Time
	// boot tells the answers of this process from those of one before it.
	boot int64
}

// New makes the handler of the page, which wants all paths below the one it is
// mounted at for itself.
func New(o Options) *Handler {
	return &Handler{options: o, turns: make(chan struct{}, atOnce), now: time.Now, boot: time.Now().UnixNano()}
}

// ServeHTTP makes Handler an http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this page can only be read", http.StatusMethodNotAllowed)
		return
	}
	// A server of a test may have no deadlines; then there is none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sendTime))
	switch name := strings.TrimPrefix(r.URL.Path, "/"); name {
	case "page.css", "page.js", "icon.svg":
		h.asset(w, r, name)
	case "", "certificate", "issuers", "challenges", "webhooks", "replicas":
		h.page(w, r, name)
	default:
		h.render(w, r, http.StatusNotFound, frame{View: "missing", Title: "Not found", Body: missing("There is no page of this name.")})
	}
}

func protect(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
}

// asset sends an embedded file; it is kept by browsers until it is another one.
func (h *Handler) asset(w http.ResponseWriter, r *http.Request, name string) {
	data, err := embedded.ReadFile("assets/" + name)
	if err != nil {
		http.Error(w, "not found", http.StatusNotFound) // cannot be: the names are ours
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("ETag", fmt.Sprintf("%q", digest(string(data))))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// page answers with what is true now, or that nothing changed since.
func (h *Handler) page(w http.ResponseWriter, r *http.Request, name string) {
	tag := h.tag(r)
	w.Header().Set("ETag", tag)
	w.Header().Set("Vary", "Accept")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	f, status, ok := h.inTurn(r.Context(), func() (frame, int) { return h.make(r, name) })
	if !ok {
		w.Header().Del("ETag")
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many are looking at this page: try again in some seconds", http.StatusServiceUnavailable)
		return
	}
	h.render(w, r, status, f)
}

// tag names what an answer says: times are told to the minute, all else
// changes with the caches or with the Leases.
func (h *Handler) tag(r *http.Request) string {
	return fmt.Sprintf("%q", digest(fmt.Sprint(h.boot, h.options.Caches.Generation(), h.options.Caches.Synced(), h.now().Unix()/60,
		h.shards(), r.URL.Path, "?", r.URL.RawQuery, wantsJSON(r))))
}

func digest(text string) string {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(text)) // it never fails
	return fmt.Sprintf("%x", sum.Sum64())
}

func (h *Handler) shards() []Shard {
	if h.options.Shards == nil {
		return nil
	}
	return h.options.Shards()
}

func (h *Handler) identity() string {
	if h.options.Identity == nil {
		return ""
	}
	return h.options.Identity()
}

// inTurn bounds how many answers are made at a time; ok is false when the turn
// did not come.
func (h *Handler) inTurn(ctx context.Context, answer func() (frame, int)) (f frame, status int, ok bool) {
	patience := time.NewTimer(turnPatience)
	defer patience.Stop()
	select {
	case h.turns <- struct{}{}:
	case <-patience.C:
		return frame{}, 0, false
	case <-ctx.Done():
		return frame{}, 0, false
	}
	defer func() { <-h.turns }()
	f, status = answer()
	return f, status, true
}

func wantsJSON(r *http.Request) bool {
	if format := r.URL.Query().Get("format"); format != "" {
		return format == "json"
	}
	return strings.HasPrefix(r.Header.Get("Accept"), "application/json")
}

// render sends an answer as it is written, without a copy of the whole; of HTML
// there is the tree of the one page, at most some megabyte for 200 rows.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, status int, f frame) {
	out := bufio.NewWriterSize(w, 16<<10)
	defer func() { _ = out.Flush() }() // the visitor is gone when it fails
	if wantsJSON(r) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		_ = e.Encode(f.Body) // as above
		return
	}
	f.Now, f.Shards, f.Identity, f.Synced = h.now().UTC(), h.shards(), h.identity(), h.options.Caches.Synced()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = f.write(out) // as above
}
