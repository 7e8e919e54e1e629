package admin

import "github.com/prometheus/client_golang/prometheus"

// collector is a prometheus.Collector of figures that are counted elsewhere, and asked for once each time.
type collector func(counter, gauge emit)

// emit shows a figure, of a standby where one is named.
type emit func(name, help string, value float64, standby ...string)

// Describe implements prometheus.Collector. What is collected is not described before.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	as := func(kind prometheus.ValueType) emit {
		return func(name, help string, value float64, standby ...string) {
			labels := []string{"standby"}[:len(standby)]
			to <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, labels, nil), kind, value, standby...)
		}
	}
	c(as(prometheus.CounterValue), as(prometheus.GaugeValue))
}
