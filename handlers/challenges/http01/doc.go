// Package http01 proves names by HTTP-01 (RFC 8555, section 8.3): it has the
// ingress controller or gateway lead the one path that an ACME server asks for
// to who answers it.
//
//	ACME server ──▶ ingress controller ──▶ Service ──▶ EndpointSlice ──▶ daemon (internal/responder)
//	                  │ Ingress, of each challenge        or ExternalName
//	                  │ or HTTPRoute, of each challenge
//	                  │ or a path in an Ingress of the user's
//	                  └──────────────────▶ Service ──▶ Pod `certwright solve`, of each challenge
//
// # Who answers
//
// The daemon: every replica reads the key authorizations from its cache of
// Challenges, so nothing has to be told to it or started. One Service with one
// EndpointSlice leads a namespace's challenges there. It is made with the first
// of them, goes with the last, and follows the daemon's address; so a challenge
// costs one create and one delete. Whether a challenge is the last is asked of
// the cache, under a lock of this process, and a sweep mends what a crash or a
// change of leader may leave.
//
// A pod of the challenge's own, when the daemon is told so for all, or when the
// solver has a podTemplate: who wrote one wanted a pod at some place.
//
// # What is made
//
// Names come from the Challenge's UID, so that making twice makes once, also
// after a crash. The Challenge is the controlling owner of all that is its own,
// so that it goes with it even if nobody takes it away before. Of an Ingress of
// the user's, exactly one path is added and taken away, each by an update that
// the API server refuses when somebody else was quicker.
//
// # The self check
//
// Visible asks as a validation server does (selfcheck.go). When it fails, what
// should have been made is looked at again and mended before the next time.
package http01
