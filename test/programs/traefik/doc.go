// Package traefik pins the version of traefik that `make prove` runs certwright
// behind. It holds no code: see go.mod.
package traefik
