// Package connection is the line to the API server: one that may be slow, break
// off in silence, come back, and want other credentials than before.
//
//	             no answer, or 401                 an answer
//	request ───▶ held back ──────────▶ tried again ─────────▶ handed on
//	               │      a second or so, or as soon as the
//	               │      line or the credentials are new
//	               └─ its context ended, or [patience] is over ─▶ the error
//
// A request that certainly never reached the API server is held back and tried
// again here, and not by whoever made it: client-go's reflectors and the queue
// space their attempts ever more widely, so that after an outage of minutes
// they would look away for another minute when the line is back. One that may
// have reached it fails, and its maker reads before it writes again.
//
// Files with credentials are read again when they change, and the next request
// goes out with the new ones. Watches go on until they end by themselves.
package connection
