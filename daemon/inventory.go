package daemon

import (
	"slices"
	"strconv"

	"github.com/certwright/certwright/internal/api"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	dto "github.com/prometheus/client_model/go"
	"k8s.io/utils/ptr"
)

// inventory is the state of every object under the contract's names (section
// 1.6): seven series for a Certificate, three for an issuer, eight for a
// Challenge. They are built in few pieces, for there may be a hundred thousand.
func inventory(s stock) []*dto.MetricFamily {
	all := append(certificateFamilies(s.Certificates()), issuerFamily(s.Issuers()), clusterIssuerFamily(s.ClusterIssuers()), challengeFamily(s.Challenges()))
	return slices.DeleteFunc(all, func(f *dto.MetricFamily) bool { return len(f.Metric) == 0 }) // no format can say it
}

func family(name, help string, size int) *dto.MetricFamily {
	return &dto.MetricFamily{Name: ptr.To(namespace + "_" + name), Help: &help, Type: dto.MetricType_GAUGE.Enum(), Metric: make([]*dto.Metric, 0, size)}
}

var conditionStatuses = [...]cmmeta.ConditionStatus{cmmeta.ConditionTrue, cmmeta.ConditionFalse, cmmeta.ConditionUnknown}

// pair is a label.
func pair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

// series is one value of a gauge. Its labels are in the order of their names.
func series(value float64, labels ...*dto.LabelPair) *dto.Metric {
	return &dto.Metric{Label: labels, Gauge: &dto.Gauge{Value: &value}}
}

// labelNames of a Certificate, in order; the pointers are shared by all series.
var labelNames = [...]*string{ptr.To("issuer_group"), ptr.To("issuer_kind"), ptr.To("issuer_name"), ptr.To("name"), ptr.To("namespace")}

// conditionPairs are the labels that a Ready condition may have.
var conditionPairs = [...]*dto.LabelPair{
	pair("condition", string(conditionStatuses[0])), pair("condition", string(conditionStatuses[1])), pair("condition", string(conditionStatuses[2])),
}

// certificateSeries is all series of one Certificate, in one piece of memory.
type certificateSeries struct {
	labels  [len(labelNames)]dto.LabelPair
	values  [len(labelNames)]string
	ready   [len(conditionStatuses)][1 + len(labelNames)]*dto.LabelPair
	numbers [len(conditionStatuses) + 4]float64
	gauges  [len(conditionStatuses) + 4]dto.Gauge
	metrics [len(conditionStatuses) + 4]dto.Metric
}

func seriesOf(crt *cmapi.Certificate) *certificateSeries {
	ref := api.IssuerRef(crt.Spec.IssuerRef)
	s := &certificateSeries{values: [...]string{ref.Group, ref.Kind, ref.Name, crt.Name, crt.Namespace}}
	for i := range s.labels {
		s.labels[i].Name, s.labels[i].Value = labelNames[i], &s.values[i]
	}
	status := cmmeta.ConditionUnknown
	if c := api.CertificateCondition(crt, cmapi.CertificateConditionReady); c != nil {
		status = c.Status
	}
	for c := range conditionStatuses {
		s.numbers[c] = one(conditionStatuses[c] == status)
		s.ready[c][0] = conditionPairs[c]
		for i := range s.labels {
			s.ready[c][1+i] = &s.labels[i]
		}
		s.metrics[c].Label = s.ready[c][:]
	}
	for i, n := range [...]float64{
		seconds(crt.Status.NotAfter), seconds(crt.Status.NotBefore), seconds(crt.Status.NotAfter), seconds(crt.Status.RenewalTime),
	} {
		s.numbers[len(conditionStatuses)+i] = n
		s.metrics[len(conditionStatuses)+i].Label = s.ready[0][1:]
	}
	for i := range s.metrics {
		s.gauges[i].Value = &s.numbers[i]
		s.metrics[i].Gauge = &s.gauges[i]
	}
	return s
}

func certificateFamilies(all []*cmapi.Certificate) []*dto.MetricFamily {
	n := len(all)
	ready := family("certificate_ready_status", "Whether a Certificate's Ready condition has this status: 1 for the one it has.", n*len(conditionStatuses))
	times := []*dto.MetricFamily{
		family("certificate_not_after_timestamp_seconds", "End of validity of the stored certificate, in seconds since 1970.", n),
		family("certificate_not_before_timestamp_seconds", "Begin of validity of the stored certificate, in seconds since 1970.", n),
		family("certificate_expiration_timestamp_seconds", "End of validity of the stored certificate (older name), in seconds since 1970.", n),
		family("certificate_renewal_timestamp_seconds", "Time of the next renewal, in seconds since 1970.", n),
	}
	for _, crt := range all {
		s := seriesOf(crt)
		for i := range conditionStatuses {
			ready.Metric = append(ready.Metric, &s.metrics[i])
		}
		for i, f := range times {
			f.Metric = append(f.Metric, &s.metrics[len(conditionStatuses)+i])
		}
	}
	return append(times, ready)
}

func issuerFamily(all []*cmapi.Issuer) *dto.MetricFamily {
	f := family("issuer_ready_status", "Whether an Issuer's Ready condition has this status: 1 for the one it has.", len(all)*len(conditionStatuses))
	for _, issuer := range all {
		status := issuerReady(&issuer.Status)
		for i, s := range conditionStatuses {
			f.Metric = append(f.Metric, series(one(s == status), conditionPairs[i], pair("name", issuer.Name), pair("namespace", issuer.Namespace)))
		}
	}
	return f
}

func clusterIssuerFamily(all []*cmapi.ClusterIssuer) *dto.MetricFamily {
	f := family("clusterissuer_ready_status", "Whether a ClusterIssuer's Ready condition has this status: 1 for the one it has.", len(all)*len(conditionStatuses))
	for _, issuer := range all {
		status := issuerReady(&issuer.Status)
		for i, s := range conditionStatuses {
			f.Metric = append(f.Metric, series(one(s == status), conditionPairs[i], pair("name", issuer.Name)))
		}
	}
	return f
}

func issuerReady(status *cmapi.IssuerStatus) cmmeta.ConditionStatus {
	if c := api.IssuerCondition(status); c != nil {
		return c.Status
	}
	return cmmeta.ConditionUnknown
}

// challengeStates are the values of the contract's label "status".
var challengeStates = []cmacme.State{cmacme.Unknown, cmacme.Valid, cmacme.Ready, cmacme.Pending, cmacme.Processing, cmacme.Invalid, cmacme.Expired, cmacme.Errored}

func challengeFamily(all []*cmacme.Challenge) *dto.MetricFamily {
	f := family("certificate_challenge_status", "Whether a Challenge's status.state has this value: 1 for the one it has.", len(all)*len(challengeStates))
	for _, c := range all {
		s := c.Status
		before := []*dto.LabelPair{
			pair("domain", c.Spec.DNSName), pair("name", c.Name), pair("namespace", c.Namespace),
			pair("processing", strconv.FormatBool(s.Processing)), pair("reason", label(s.Reason)),
		}
		after := pair("type", string(c.Spec.Type))
		for _, state := range challengeStates {
			f.Metric = append(f.Metric, series(one(s.State == state), append(before[:len(before):len(before)], pair("status", string(state)), after)...))
		}
	}
	return f
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
