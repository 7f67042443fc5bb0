// Package shims makes Certificates for what people annotate: Ingresses,
// Gateways and ListenerSets. One engine serves the three kinds: each is reduced
// to a [Parent], which asks for names, Secret by Secret, and from its
// annotations follows what kind of Certificate is wanted ([wishOf]).
//
// [Next] decides, Secret by Secret:
//
//	annotations or entries with a fault ────────── told; what exists stays as it is
//	the Certificate is somebody else's ─────────── told; left alone
//	another Certificate has this Secret already ── told; none is made
//	an older parent of that kind asks as well ──── that one writes; told if they differ
//	there is none yet ──────────────────────────── create
//	it differs ─────────────────────────────────── patch
//	a Certificate that is asked for no more ────── delete
//
// # Who writes
//
// Parents of one kind and namespace that name one Secret share one Certificate,
// with the names of all of them. It is written by the oldest alone, which is its
// controller; the others are plain owners, so that it outlives any of them, and
// the next one takes over when the oldest goes. What the oldest says counts.
//
// # What is ours
//
// Of a Certificate that we made, everything that an annotation of the parent can
// say is ours: names, issuer, subject, times, usages, key, history limit and
// Secret template, its labels, and the annotations that --extra-certificate-annotations
// and the ACME overrides put there. All else is its users': keystores, output
// formats, name constraints, renewal windows, further annotations. Somebody who
// keeps changing what is ours gets it put back promptly three times, and then
// ever more slowly (memory.go).
//
// A parent that has lost its annotations is not ours any more: its Certificate
// stays, and goes with the parent.
package shims
