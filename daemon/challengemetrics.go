package daemon

import (
	"strconv"

	"github.com/certwright/certwright/internal/api"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"github.com/prometheus/client_golang/prometheus"
)

var (
	challengeStatus = describe("certificate_challenge_status", "Whether a Challenge's status.state has this value: 1 for the one it has.",
		"status", "domain", "reason", "processing", "name", "namespace", "type")

	challengePlaces = prometheus.NewDesc("certwright_challenge_places",
		"Challenges that are at work, of at most --max-concurrent-challenges.", nil, nil)
	challengesWaiting = prometheus.NewDesc("certwright_challenges_waiting",
		"Challenges that wait for a place.", nil, nil)
)

// challengeStates are the values of the contract's label "status".
var challengeStates = []cmacme.State{cmacme.Unknown, cmacme.Valid, cmacme.Ready, cmacme.Pending, cmacme.Processing, cmacme.Invalid, cmacme.Expired, cmacme.Errored}

// collectChallenges reports each Challenge, and how the places are taken.
func collectChallenges(ch chan<- prometheus.Metric, all []*cmacme.Challenge) {
	atWork, waiting := 0, 0
	for _, c := range all {
		collectChallenge(ch, c)
		switch {
		case c.Status.Processing:
			atWork++
		case !api.ACMEFinal(c.Status.State) && c.DeletionTimestamp == nil:
			waiting++
		}
	}
	ch <- prometheus.MustNewConstMetric(challengePlaces, prometheus.GaugeValue, float64(atWork))
	ch <- prometheus.MustNewConstMetric(challengesWaiting, prometheus.GaugeValue, float64(waiting))
}

func collectChallenge(ch chan<- prometheus.Metric, c *cmacme.Challenge) {
	s := c.Status
	for _, state := range challengeStates {
		ch <- gauge(challengeStatus, one(s.State == state), string(state), c.Spec.DNSName, label(s.Reason),
			strconv.FormatBool(s.Processing), c.Name, c.Namespace, string(c.Spec.Type))
	}
}

// longestLabel is in characters. A reason holds what a server said, at any
// length, and each value of a label is kept by whoever collects it.
const longestLabel = 100

func label(text string) string {
	runes := []rune(text)
	if len(runes) <= longestLabel {
		return text
	}
	return string(runes[:longestLabel-1]) + "…"
}
