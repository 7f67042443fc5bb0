// Package httpapi asks DNS providers that speak JSON over HTTP. Its errors hold
// what the provider said, and nothing of what it was sent.
package httpapi
