// Package clouddns changes TXT record sets by the API of Google Cloud DNS.
//
// A change takes the whole old set away and adds the whole new one, at once: the
// API refuses it when the old set is no longer as it was read. So two that
// change the same set cannot undo each other; the later one is tried again.
package clouddns
