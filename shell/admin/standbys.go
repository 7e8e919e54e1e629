package admin

import (
	"github.com/prometheus/client_golang/prometheus"

	"postern/shell/db"
)

// standbys collects the metrics of the standbys that reads go to, by their names.
type standbys func() []db.StandbyStats

var (
	standbyLabels = []string{"standby"}

	standbyUp = prometheus.NewDesc("postern_standby_up",
		"Whether reads go to the standby: it answers and is no more than db-read-max-lag behind", standbyLabels, nil)
	standbyLag = prometheus.NewDesc("postern_standby_lag_seconds",
		"How far the standby is behind the primary; NaN where it is not known", standbyLabels, nil)
	standbyReads = prometheus.NewDesc("postern_standby_reads_total",
		"Reads that the standby answered", standbyLabels, nil)
	standbyFalls = prometheus.NewDesc("postern_standby_fallbacks_total",
		"Reads that the standby was asked for and the primary answered", standbyLabels, nil)
)

// Describe implements prometheus.Collector.
func (s standbys) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{standbyUp, standbyLag, standbyReads, standbyFalls} {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (s standbys) Collect(to chan<- prometheus.Metric) {
	for _, one := range s() {
		up := 0.0
		if one.Up {
			up = 1
		}
		to <- prometheus.MustNewConstMetric(standbyUp, prometheus.GaugeValue, up, one.Name)
		to <- prometheus.MustNewConstMetric(standbyLag, prometheus.GaugeValue, one.Lag, one.Name)
		to <- prometheus.MustNewConstMetric(standbyReads, prometheus.CounterValue, float64(one.Reads), one.Name)
		to <- prometheus.MustNewConstMetric(standbyFalls, prometheus.CounterValue, float64(one.Fallbacks), one.Name)
	}
}

// registerStandbys registers what there is to tell of standbys, where there are any.
func (m *Metrics) registerStandbys(stats func() db.Stats) {
	if len(stats().Standbys) == 0 {
		return
	}
	m.registry.MustRegister(standbys(func() []db.StandbyStats { return stats().Standbys }))
	m.counter("postern_standby_none_total", "Reads that went to the primary as there was no standby for them",
		func() float64 { return float64(stats().NoStandby) })
}
