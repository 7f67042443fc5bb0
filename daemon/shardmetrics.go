package daemon

import "github.com/prometheus/client_golang/prometheus"

// shardMetrics is how many shards this replica works on.
type shardMetrics struct {
	held  prometheus.Gauge
	moves *prometheus.CounterVec
}

func newShardMetrics(to prometheus.Registerer, shards int) *shardMetrics {
	m := &shardMetrics{
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "certwright_shards_held", Help: "Shards that this replica works on.",
		}),
		moves: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "certwright_shard_moves_total", Help: "Shards that this replica has taken up (gained) and given up (lost).",
		}, []string{"direction"}),
	}
	all := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "certwright_shards", Help: "Shards that there are, over all replicas.",
	})
	all.Set(float64(shards))
	to.MustRegister(m.held, m.moves, all)
	for _, direction := range []string{gained, lost} {
		m.moves.WithLabelValues(direction)
	}
	return m
}

const gained, lost = "gained", "lost"

func (m *shardMetrics) took() {
	m.held.Inc()
	m.moves.WithLabelValues(gained).Inc()
}

func (m *shardMetrics) gave() {
	m.held.Dec()
	m.moves.WithLabelValues(lost).Inc()
}
