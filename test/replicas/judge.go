package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// reign is a time in which a replica held a shard.
type reign struct {
	credential  string
	from, until time.Time   // until is zero while it lasts
	renewed     []time.Time // when, by the API server's account
}

// record is who held which shard when.
type record struct {
	reigns [shardCount][]reign
}

// judge reads from the audit log whether anybody wrote for what was another's,
// and how long what a killed replica had was left alone.
func (s *scene) judge(ctx context.Context, leases *leaseWatch, so *outcome) error {
	all, err := writes(s.stage.Cluster.AuditLog(), s.all)
	if err != nil {
		return err
	}
	r, err := recordOf(ctx, all, leases)
	if err != nil {
		return err
	}
	wrong, judged := map[string]bool{}, 0
	for _, e := range all {
		what, shard, ok := keyOf(e)
		if !ok {
			continue
		}
		judged++
		who := s.owner(e.credential)
		if fault := r.fault(e, shard, who.lease); fault != "" && !wrong[what] {
			wrong[what] = true
			so.twoWriters = append(so.twoWriters, fmt.Sprintf("%s (shard %d): %s by %s: %s", what, shard, e, who.name, fault))
		}
	}
	s.progress.Line("   %d writes judged", judged)
	if least := 4 * (s.certificates + s.more); judged < least {
		return fmt.Errorf("the audit log has %d writes for keys, and %d are needed to issue so many: this proves nothing", judged, least)
	}
	so.takenOver, err = s.takeover(all, r)
	return err
}

// owner is the replica whose token it is; all writes are of one of them.
func (s *scene) owner(credential string) *replica {
	i := slices.IndexFunc(s.all, func(r *replica) bool { return r.credential == credential })
	return s.all[i]
}

// recordOf puts the audit log and the watch together: the one tells who wrote a
// Lease and when, the other what it then held; each change is in both.
func recordOf(ctx context.Context, all []entry, leases *leaseWatch) (*record, error) {
	byName := map[string][]entry{}
	for _, e := range all {
		if e.resource == "leases" {
			byName[e.name] = append(byName[e.name], e)
		}
	}
	whose := map[string]string{} // tokens, by identities
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for name, written := range byName {
		certain := slices.DeleteFunc(slices.Clone(written), func(e entry) bool { return e.doubtful })
		_ = leases.until(ctx, func() bool { return len(leases.history(name)) >= len(certain) }) // told below
		switch seen := len(leases.history(name)); seen {
		case len(certain):
			written = certain
		case len(written): // what was doubtful is stored
		default:
			return nil, fmt.Errorf("of Lease %s the watch saw %d changes and the audit log %d, and %d that are doubtful", name, seen, len(certain), len(written)-len(certain))
		}
		byName[name] = written
		if _, shard := shardOfLease(name); !shard {
			for i, holder := range leases.history(name) {
				if holder != "" {
					whose[holder] = written[i].credential
				}
			}
		}
	}
	r := &record{}
	for name, written := range byName {
		if shard, is := shardOfLease(name); is && shard < shardCount {
			if err := r.enter(shard, written, leases.history(name), whose); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func (r *record) enter(shard int, written []entry, holders []string, whose map[string]string) error {
	var now *reign
	for i, holder := range holders {
		credential, known := whose[holder]
		if !known && holder != "" {
			return fmt.Errorf("shard %d was held by %s, who never had a seat", shard, holder)
		}
		if now != nil && now.credential != credential {
			now.until = written[i].done
			r.reigns[shard] = append(r.reigns[shard], *now)
			now = nil
		}
		if now == nil && holder != "" {
			now = &reign{credential: credential, from: written[i].received}
		}
		if now != nil {
			now.renewed = append(now.renewed, written[i].done)
		}
	}
	if now != nil {
		r.reigns[shard] = append(r.reigns[shard], *now)
	}
	return nil
}

// fault is what is wrong with a write under a Lease that lasts so long; empty:
// nothing.
func (r *record) fault(e entry, shard int, lasts time.Duration) string {
	for _, reign := range r.reigns[shard] {
		if reign.credential != e.credential || e.received.Before(reign.from) || !reign.until.IsZero() && e.done.After(reign.until) {
			continue
		}
		if !slices.ContainsFunc(reign.renewed, func(at time.Time) bool { return !at.Before(e.received.Add(-lasts)) }) {
			return "its Lease had run out"
		}
		return ""
	}
	return "its shard was another's"
}

// takeover is how long after a kill the last of the shards that the killed one
// had was written for by another; the longest of all kills.
func (s *scene) takeover(all []entry, r *record) (longest time.Duration, err error) {
	for _, victim := range s.all {
		if victim.killed.IsZero() {
			continue
		}
		for shard := range shardCount {
			if !r.held(shard, victim) {
				continue
			}
			first := firstAfter(all, shard, victim)
			if first.IsZero() {
				// Of ACME there is work in the leader's shard alone by that time, in
				// the others only where a Certificate is due.
				continue
			}
			took := first.Sub(victim.killed)
			s.progress.Line("   shard %d of %s was worked on after %.1f s", shard, victim.name, took.Seconds())
			longest = max(longest, took)
		}
	}
	if longest == 0 {
		return 0, errors.New("no shard of a killed replica was taken over")
	}
	return longest, nil
}

// held reports whether a replica held a shard when it was killed.
func (r *record) held(shard int, victim *replica) bool {
	return slices.ContainsFunc(r.reigns[shard], func(x reign) bool {
		return x.credential == victim.credential && x.from.Before(victim.killed) && (x.until.IsZero() || x.until.After(victim.killed))
	})
}

// firstAfter is when another than the victim first wrote for a shard since it
// was killed; zero: never.
func firstAfter(all []entry, shard int, victim *replica) time.Time {
	for _, e := range all {
		if _, of, ok := keyOf(e); ok && of == shard && e.credential != victim.credential && e.received.After(victim.killed) {
			return e.received
		}
	}
	return time.Time{}
}

// keyOf is the object whose handler makes a write, and its shard; false for what
// stands for no key. It is written down here anew, after docs/replicas.md.
func keyOf(e entry) (what string, shard int, ok bool) {
	name := e.name
	switch e.resource {
	case "certificates":
	case "certificaterequests":
		if e.verb == "create" || e.verb == "delete" { // by the Certificate
			name = withoutTail(name)
		}
	case "secrets":
		if len(strings.Split(name, "-")) > 2 { // a key that waits for its certificate
			name = withoutTail(name)
		}
		if e.namespace == leaseNamespace { // of the ACME account, by the issuer
			return "secret " + e.namespace + "/" + name, 0, true
		}
	case "orders":
		if e.verb == "create" { // by the CertificateRequest
			return "certificaterequest " + e.namespace + "/" + withoutTail(name), shardOf(e.namespace, withoutTail(name)), true
		}
		return "order " + e.namespace + "/" + name, 0, true
	case "challenges", "issuers", "clusterissuers", "services", "ingresses", "endpointslices":
		return e.resource + " " + e.namespace + "/" + name, 0, true
	default:
		return "", 0, false
	}
	return e.resource + " " + e.namespace + "/" + name, shardOf(e.namespace, name), true
}

// withoutTail is a name without what follows its last dash.
func withoutTail(name string) string {
	if i := strings.LastIndex(name, "-"); i >= 0 {
		return name[:i]
	}
	return name
}

// shardOf is the shard of a name.
func shardOf(namespace, name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(namespace + "/" + name)) // a hash takes everything
	return int(h.Sum32() % shardCount)
}
