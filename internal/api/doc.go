// Package api holds what is true of the cert-manager.io API whoever looks at
// it: defaults of references, names of children, conditions. It is pure: no
// client, no clock, no logger.
package api
