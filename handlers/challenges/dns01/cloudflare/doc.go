// Package cloudflare makes TXT records by Cloudflare's API, version 4. Each value
// is a record of its own there, which is found again by its content: nothing is
// kept between two calls.
package cloudflare
