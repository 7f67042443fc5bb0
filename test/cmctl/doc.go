// Package cmctl pins the version of cert-manager's command line that the end
// to end tests run against certwright. It holds no code: see go.mod.
package cmctl
