package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cpuTime returns how long each process has been running on processors, all its threads together: nothing where there
// is no /proc/PID/task/*/schedstat. Unlike /proc/PID/stat it counts nanoseconds.
func cpuTime(pids ...int) map[int]time.Duration {
	result := make(map[int]time.Duration, len(pids))
	for _, pid := range pids {
		threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		for _, thread := range threads {
			content, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, thread.Name()))
			text, _, _ := strings.Cut(string(content), " ")
			ns, _ := strconv.ParseInt(text, 10, 64)
			result[pid] += time.Duration(ns)
		}
	}
	return result
}

// since returns the processor time used between two readings; what was not there in the first has used all of its time
// since.
func since(before, after map[int]time.Duration) time.Duration {
	var total time.Duration
	for pid, used := range after {
		total += max(used-before[pid], 0)
	}
	return total
}

// memoryOf returns a figure of a file in /proc/PID in MiB: VmRSS of status, Private_Dirty of smaps_rollup.
func memoryOf(pid int, file, name string) (float64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut("\n"+string(content), "\n"+name+":")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, errors.New("there is no " + name + " in " + file)
	}
	kibibytes, err := strconv.ParseFloat(fields[0], 64)
	return kibibytes / 1024, err
}

// median returns the middle of the values, or the mean of the two in the middle; NaN of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// percentile returns the least of the values, which are in ascending order, that so many percent of them do not exceed,
// in milliseconds; 0 of none.
func percentile(sorted []time.Duration, percent float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(percent / 100 * float64(len(sorted))))
	return milliseconds(sorted[min(max(rank, 1), len(sorted))-1])
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// mapped returns what a function gives for each of the values.
func mapped[T, R any](values []T, f func(T) R) []R {
	result := make([]R, len(values))
	for i, value := range values {
		result[i] = f(value)
	}
	return result
}
