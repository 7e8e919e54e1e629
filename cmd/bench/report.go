package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// report is all that a run has found out.
type report struct {
	Machine string   `json:"machine"`
	Options string   `json:"options"`
	Results []result `json:"results"`
	Targets []target `json:"targets"`
}

// result is a case on a number of connections.
type result struct {
	Case        string     `json:"case"`
	Title       string     `json:"title"`
	Connections int        `json:"connections"`
	Servers     []measured `json:"servers"`
	class       class
	code        bool
}

// measured is how a server did: medians over its rounds.
type measured struct {
	Server string `json:"server"`
	round
	// Ratios are its requests per second divided by those of each other server in the same round: the median.
	Ratios map[string]float64 `json:"ratios"`
	Each   []round            `json:"rounds"`
}

// target is a figure to be reached: at least or at most so much.
type target struct {
	Line   string  `json:"line"` // of "What it must show"
	Text   string  `json:"text"`
	Wanted float64 `json:"wanted"`
	Most   bool    `json:"at_most"`
	Got    float64 `json:"got"`
}

// score is from how far on the target is met: 1.
func (t target) score() float64 {
	if t.Most {
		return t.Wanted / max(t.Got, 1e-9)
	}
	return t.Got / t.Wanted
}

func (t target) met() bool { return t.score() >= 1 }

// The lines of what is judged.
const (
	lineCases      = "1 cases beside hand-written handlers"
	lineShapes     = "2 shapes, known and new"
	lineConnection = "3 connections, new and after a pause"
	lineMemory     = "4 memory"
	lineTags       = "5 If-Match"
	lineBatch      = "6 batches"
	lineQuery      = "7 QUERY"
)

// summarize takes the medians; rounds are by server, in the order of the servers.
func summarize(c benchCase, connections int, servers []*server, rounds [][]round) result {
	summary := result{Case: c.name, Title: c.title, Connections: connections, class: c.class, code: c.code}
	for i, s := range servers {
		over := func(of func(round) float64) float64 { return median(mapped(rounds[i], of)) }
		m := measured{Server: s.name, Each: rounds[i], Ratios: map[string]float64{}}
		m.Rate = over(func(r round) float64 { return r.Rate })
		m.P50 = over(func(r round) float64 { return r.P50 })
		m.P99 = over(func(r round) float64 { return r.P99 })
		m.ServerCPU = over(func(r round) float64 { return r.ServerCPU })
		m.DatabaseCPU = over(func(r round) float64 { return r.DatabaseCPU })
		for j, other := range servers {
			if j != i {
				ratios := make([]float64, len(rounds[i]))
				for n := range ratios {
					ratios[n] = rounds[i][n].Rate / rounds[j][n].Rate
				}
				m.Ratios[other.name] = median(ratios)
			}
		}
		summary.Servers = append(summary.Servers, m)
	}
	return summary
}

// judge compares the cases with what they are to reach.
func (r *report) judge() {
	for _, found := range r.Results {
		m := found.Servers[0]
		add := func(line, text string, wanted, got float64, most bool) {
			text = fmt.Sprintf("%s, %d connections: %s", found.Case, found.Connections, text)
			r.Targets = append(r.Targets, target{line, text, wanted, most, got})
		}
		if ratio, ok := m.Ratios[handName]; ok {
			add(lineCases, "× hand", found.class.wanted, ratio, false)
		}
		if ratio, ok := m.Ratios[pipelinedName]; ok {
			wanted := 0.9
			if found.code {
				wanted = 0.8
			}
			add(lineCases, "× pipelined", wanted, ratio, false)
		}
		if ratio, ok := m.Ratios[bareName]; ok {
			add(lineCases, "× bare", 0.8, ratio, false)
		}
		switch found.class {
		case shapes:
			stem := found.Case[:strings.LastIndexByte(found.Case, '-')+1]
			if one, ok := r.rate(stem+"1", found.Connections); ok && stem+"1" != found.Case {
				add(lineShapes, "× one shape", 0.5, m.Rate/one.Rate, false)
			}
		case wrong:
			if one, ok := r.rate("row", found.Connections); ok {
				add(lineShapes, "CPU × that of one row", 1.1, m.cpu()/one.cpu(), true)
			}
		}
	}
}

// rate returns how the first server did in a case.
func (r *report) rate(name string, connections int) (measured, bool) {
	i := slices.IndexFunc(r.Results, func(found result) bool {
		return found.Case == name && found.Connections == connections
	})
	if i < 0 {
		return measured{}, false
	}
	return r.Results[i].Servers[0], true
}

// worst is how many missed targets of a line are listed.
const worst = 40

// print writes the tables.
func (r *report) print(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %s\n", r.Machine, r.Options)
	if len(r.Results) > 0 {
		b.WriteString("\n")
		for i, found := range r.Results {
			if i == 0 || found.Case != r.Results[i-1].Case {
				fmt.Fprintf(&b, "  %-18s %s\n", found.Case, found.Title)
			}
		}
		b.WriteString("\nCPU: microseconds of processor time for each request, " +
			"of the server and of its sessions in the database.\n" +
			"×: requests per second as a multiple of another server's in the same round, the median.\n\n")
		if err := r.printResults(&b); err != nil {
			return err
		}
	}
	for _, line := range []string{lineCases, lineShapes, lineConnection, lineMemory, lineTags, lineBatch, lineQuery} {
		printLine(&b, line, r.Targets)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// printLine writes the verdict on a line and what was missed, the worst first. Of a line of few targets all are
// written.
func printLine(b *strings.Builder, line string, all []target) {
	var targets []target
	met := 0
	for _, t := range all {
		if t.Line == line {
			targets = append(targets, t)
			if t.met() {
				met++
			}
		}
	}
	if len(targets) == 0 {
		return
	}
	slices.SortStableFunc(targets, func(a, b target) int {
		if a.score() < b.score() {
			return -1
		}
		return 1
	})
	verdict := "missed"
	if met == len(targets) {
		verdict = "met"
	}
	fmt.Fprintf(b, "\n%s: %s (%d of %d), the worst: %s\n", line, verdict, met, len(targets), targets[0])
	for i, t := range targets {
		if i < worst && !t.met() || len(targets) < 10 {
			fmt.Fprintf(b, "  %s\n", t)
		}
	}
}

func (t target) String() string {
	bound, verdict := "≥", "missed"
	if t.Most {
		bound = "≤"
	}
	if t.met() {
		verdict = "met"
	}
	return fmt.Sprintf("%-6s %6.2f (%s %g) %s", verdict, t.Got, bound, t.Wanted, t.Text)
}

// printResults writes the table of requests per second.
func (r *report) printResults(b *strings.Builder) error {
	var aligned strings.Builder
	table := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells ...string) { _, _ = fmt.Fprintln(table, strings.Join(cells, "\t")+"\t") }
	baselines := []string{handName, pipelinedName, bareName}
	row("case"+strings.Repeat(" ", 14), "conns", "server   ", "requests/s", "p50 ms", "p99 ms", "server CPU",
		"database CPU", "× hand", "× pipelined", "× bare")
	for _, found := range r.Results {
		for _, m := range found.Servers {
			cells := []string{
				fmt.Sprintf("%-18s", found.Case), fmt.Sprint(found.Connections), fmt.Sprintf("%-9s", m.Server),
				fmt.Sprintf("%.0f", m.Rate), fmt.Sprintf("%.3f", m.P50), fmt.Sprintf("%.3f", m.P99),
				fmt.Sprintf("%.0f", m.ServerCPU), fmt.Sprintf("%.0f", m.DatabaseCPU),
			}
			for _, other := range baselines {
				cell := ""
				if ratio, ok := m.Ratios[other]; ok {
					cell = fmt.Sprintf("%.2f", ratio)
				}
				cells = append(cells, cell)
			}
			row(cells...)
		}
	}
	err := table.Flush()
	for line := range strings.Lines(aligned.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return err
}

// write writes the report to a file as JSON.
func (r *report) write(path string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o644)
}
