// Package stepca pins the version of step-ca that `make prove` runs certwright
// against. It holds no code: see go.mod.
package stepca
