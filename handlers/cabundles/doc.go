// Package cabundles injects CA bundles, as cert-manager's cainjector does, into
// what the API server calls by TLS: MutatingWebhookConfigurations,
// ValidatingWebhookConfigurations, APIServices and the conversion webhooks of
// CustomResourceDefinitions. An annotation says where the CA comes from:
//
//	cert-manager.io/inject-ca-from-secret: NS/NAME   ca.crt of a Secret that permits it
//	cert-manager.io/inject-ca-from:        NS/NAME   ca.crt of a Certificate's Secret
//	cert-manager.io/inject-apiserver-ca:   "true"    the CA by which we know the API server
//
// The first of them counts. [Next] decides, from top to bottom:
//
//	the source           missing, not permitted, unusable ──── Tell (an event)
//	the object           kept by a set of webhookcerts ─────── Tell
//	                     cannot carry a bundle ─────────────── Tell
//	                     has nothing to carry one ──────────── Rest
//	each of its bundles  lacks the CA, or holds what has
//	                     expired, what is doubled, garbage ─── Write
//	otherwise                                                  Rest, until one expires
//
// A new CA goes behind those that are there, which leave when they expire, so
// that servers may change over whenever they like. It is written as a patch of
// the bundles alone, on the state that was seen: all else of the object is
// somebody else's, and whoever manages it without naming bundles never sees a
// conflict. Somebody who keeps taking the CA out again gets it back promptly
// three times, and then ever more slowly (memory.go).
//
// The cache has of all these objects the annotations alone. An object is read
// only when it, or the CA for it, has changed since it was found to be right.
package cabundles
