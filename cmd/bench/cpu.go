package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc, which Linux fixes for programs at a hundredth of a second.
const tick = 10 * time.Millisecond

// processorTime is how long a process has been running on processors, in user and in system mode, all its threads
// together (proc_pid_stat(5): utime, stime); 0 where there is no such process or no /proc.
func processorTime(pid int) time.Duration {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseStat(string(content))
}

func parseStat(content string) time.Duration {
	// The second field is the name in parentheses, which may have any character in it.
	fields := strings.Fields(content[strings.LastIndexByte(content, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}

// peakMemory is the most memory in MiB that a process has had resident (proc_pid_status(5): VmHWM); 0 where not known.
func peakMemory(pid int) float64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return parsePeak(string(content))
}

func parsePeak(content string) float64 {
	_, rest, _ := strings.Cut(content, "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kibibytes, _ := strconv.ParseFloat(fields[0], 64)
	return kibibytes / 1024
}

// usage is processor time by process.
type usage map[int]time.Duration

// usageOf reads the processor time of processes.
func usageOf(pids []int) usage {
	result := make(usage, len(pids))
	for _, pid := range pids {
		result[pid] = processorTime(pid)
	}
	return result
}

// since is the processor time that the processes have used since an earlier reading; one that was not there then has used
// all of its time since.
func (u usage) since(earlier usage) time.Duration {
	var total time.Duration
	for pid, used := range u {
		total += max(used-earlier[pid], 0)
	}
	return total
}
