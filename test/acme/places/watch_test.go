package places

import (
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestTally: a count that finds nothing must be able to find something.
func TestTally(t *testing.T) {
	seen := newTally()
	change := func(uid, name string, kind cmacme.ACMEChallengeType, processing, gone bool) {
		challenge := &cmacme.Challenge{Spec: cmacme.ChallengeSpec{DNSName: name, Type: kind}}
		challenge.UID, challenge.Status.Processing = types.UID(uid), processing
		seen.see(challenge, gone)
	}
	const http, dns = cmacme.ACMEChallengeTypeHTTP01, cmacme.ACMEChallengeTypeDNS01
	expect := func(now, most, overlaps int) {
		t.Helper()
		if len(seen.processing) != now || seen.max != most || seen.overlaps != overlaps {
			t.Errorf("got %d now, %d at most, %d overlaps; want %d, %d, %d", len(seen.processing), seen.max, seen.overlaps, now, most, overlaps)
		}
	}
	change("1", "a.test", http, false, false)
	expect(0, 0, 0)
	change("1", "a.test", http, true, false)
	change("1", "a.test", http, true, false)
	expect(1, 1, 0)
	change("2", "a.test", dns, true, false)
	expect(2, 2, 0)
	change("3", "*.A.test", dns, true, false)
	expect(3, 3, 1)
	change("2", "a.test", dns, false, false)
	change("3", "*.a.test", dns, true, true)
	expect(1, 3, 1)
	change("4", "a.test", dns, true, false)
	expect(2, 3, 1)
}
