package main

import (
	"math"
	"os"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{1, 1, 1000}, 1},
	} {
		if got := median(test.values); got != test.want {
			t.Errorf("median(%v) = %v, want %v", test.values, got, test.want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is no number")
	}
	values := []float64{3, 1, 2}
	median(values)
	if values[0] != 3 {
		t.Error("median puts its argument in another order")
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, test := range []struct {
		sorted  []time.Duration
		percent float64
		want    time.Duration
	}{
		{hundred, 50, 50}, {hundred, 99, 99}, {hundred, 99.5, 100}, {hundred, 100, 100}, {hundred, 0, 1},
		{hundred[:3], 50, 2}, {hundred[:3], 99, 3}, {hundred[:1], 50, 1}, {nil, 50, 0},
	} {
		if got := percentile(test.sorted, test.percent); got != test.want {
			t.Errorf("percentile of %d values, %v: %d, want %d", len(test.sorted), test.percent, got, test.want)
		}
	}
}

func TestProcessorTime(t *testing.T) {
	t.Parallel()
	stat := "4711 (post gres) :) S 1 2 3 0 -1 4194560 100 200 0 0 150 50 7 8 20 0 1 0 12345 1000 200"
	if got := parseStat(stat); got != 2*time.Second {
		t.Errorf("parseStat gives %v", got)
	}
	if got := parseStat(""); got != 0 {
		t.Errorf("parseStat of nothing gives %v", got)
	}
	if got := parsePeak("Name:\tpostern\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n"); got != 20 {
		t.Errorf("parsePeak gives %v", got)
	}
	if got := parsePeak("Name:\tpostern\n"); got != 0 {
		t.Errorf("parsePeak of nothing gives %v", got)
	}
	if _, err := os.Stat("/proc/self/stat"); err == nil && peakMemory(os.Getpid()) <= 0 {
		t.Error("this process has no memory")
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	before := usage{1: 5 * time.Second, 2: time.Second}
	after := usage{1: 7 * time.Second, 3: 4 * time.Second} // 2 has ended, 3 has begun
	if got := after.since(before); got != 6*time.Second {
		t.Errorf("used %v", got)
	}
}
