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
	Machine machine       `json:"machine"`
	Rounds  int           `json:"rounds"`
	Seconds float64       `json:"seconds_per_round"`
	Results []result      `json:"results"`
	Compile []compileTime `json:"compile"`
	Memory  []memory      `json:"memory"`
	Targets []target      `json:"targets"`
}

// result is a case on a number of connections.
type result struct {
	Case        string     `json:"case"`
	Title       string     `json:"title"`
	Connections int        `json:"connections"`
	Servers     []measured `json:"servers"`
}

// measured is how a server did: medians over its rounds.
type measured struct {
	Server string `json:"server"`
	round
	// Ratios are its requests per second divided by those of each other server in the same round: the median.
	Ratios map[string]float64 `json:"ratios"`
	Each   []round            `json:"rounds"`
}

// memory is the most that a server's process had resident.
type memory struct {
	Server  string  `json:"server"`
	PeakMiB float64 `json:"peak_mib"`
}

// target is a figure to be reached.
type target struct {
	Text   string  `json:"text"`
	Wanted float64 `json:"wanted"`
	Got    float64 `json:"got"`
	Met    bool    `json:"met"`
}

// summarize takes the medians; rounds are by server, in the order of the servers.
func summarize(c benchCase, connections int, servers []*server, rounds [][]round) result {
	summary := result{Case: c.name, Title: c.title, Connections: connections}
	for i, s := range servers {
		over := func(of func(round) float64) float64 { return median(mapped(rounds[i], of)) }
		m := measured{Server: s.name, Each: rounds[i], Ratios: map[string]float64{}}
		m.Rate = over(func(r round) float64 { return r.Rate })
		m.P50 = over(func(r round) float64 { return r.P50 })
		m.P99 = over(func(r round) float64 { return r.P99 })
		m.ServerCPU = over(func(r round) float64 { return r.ServerCPU })
		m.DatabaseCPU = over(func(r round) float64 { return r.DatabaseCPU })
		for j, other := range servers {
			if j == i {
				continue
			}
			ratios := make([]float64, len(rounds[i]))
			for n := range ratios {
				ratios[n] = rounds[i][n].Rate / rounds[j][n].Rate
			}
			m.Ratios[other.name] = median(ratios)
		}
		summary.Servers = append(summary.Servers, m)
	}
	return summary
}

// judge compares with the targets, as far as there are results.
func (r *report) judge() {
	ratio := func(name string, connections int, other string, wanted float64) {
		for _, found := range r.Results {
			if found.Case != name || found.Connections != connections {
				continue
			}
			i := slices.IndexFunc(found.Servers, func(m measured) bool { return m.Server == posternName })
			got := found.Servers[i].Ratios[other]
			text := fmt.Sprintf("%s, connections %d: at least %.2f × %s", found.Title, connections, wanted, other)
			r.Targets = append(r.Targets, target{text, wanted, got, got >= wanted})
		}
	}
	ratio("row", 1, handRLS, 1.3)
	ratio("row", 16, handRLS, 1.0)
	ratio("row", 16, handBare, 0.55)
	for _, aim := range []struct {
		name   string
		wanted float64
	}{{"embed", 1.5}, {"insert", 1.3}, {"rpc", 1.3}, {"bulk", 1.0}} {
		ratio(aim.name, 1, handRLS, aim.wanted)
		ratio(aim.name, 16, handRLS, aim.wanted)
	}
	for i, wanted := range []float64{3, 10} {
		if i < len(r.Compile) {
			c := r.Compile[i]
			text := fmt.Sprintf("compile of a shape, %s: under %g ms", c.Shape, wanted)
			r.Targets = append(r.Targets, target{text, wanted, c.Median, c.Median < wanted})
		}
	}
	for _, m := range r.Memory {
		if m.Server == posternName && m.PeakMiB > 0 {
			const wanted = 40
			text := fmt.Sprintf("resident memory of the shell at its peak: below %d MiB", wanted)
			r.Targets = append(r.Targets, target{text, wanted, m.PeakMiB, m.PeakMiB < wanted})
		}
	}
}

// print writes the tables.
func (r *report) print(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d processors, PostgreSQL %s over %s, %s; medians of %d rounds of %g s\n\n",
		r.Machine.System, r.Machine.Processors, r.Machine.PostgreSQL, r.Machine.Network, r.Machine.Go, r.Rounds, r.Seconds)
	for _, found := range r.Results {
		if found.Connections == r.Results[0].Connections {
			fmt.Fprintf(&b, "  %-7s %s\n", found.Case, found.Title)
		}
	}
	b.WriteString("\nCPU: processor time for each request, of the server's process and with the database's processes that serve it.\n" +
		"The last two columns: requests/s as a multiple of those of hand-rls and of hand-bare.\n\n")
	if err := r.printResults(&b); err != nil {
		return err
	}
	b.WriteString("\n")
	for _, c := range r.Compile {
		fmt.Fprintf(&b, "compile, %s: %.2f ms\n", c.Shape, c.Median)
	}
	for _, m := range r.Memory {
		fmt.Fprintf(&b, "resident memory at its peak, %s: %.1f MiB\n", m.Server, m.PeakMiB)
	}
	b.WriteString("\n")
	for _, t := range r.Targets {
		verdict := "missed"
		if t.Met {
			verdict = "met"
		}
		fmt.Fprintf(&b, "%-6s  %s (%.2f)\n", verdict, t.Text, t.Got)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// printResults writes the table of requests per second.
func (r *report) printResults(b *strings.Builder) error {
	var aligned strings.Builder
	table := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', tabwriter.AlignRight)
	heads := []string{
		"case   ", "conns", "server   ", "requests/s", "p50 ms", "p99 ms", "CPU µs", "+ database", "× hand-rls", "× hand-bare",
	}
	row := func(cells []string) { _, _ = fmt.Fprintln(table, strings.Join(cells, "\t")+"\t") }
	row(heads)
	for _, found := range r.Results {
		row(make([]string, len(heads)))
		for _, m := range found.Servers {
			row([]string{
				fmt.Sprintf("%-7s", found.Case), fmt.Sprint(found.Connections), fmt.Sprintf("%-9s", m.Server),
				fmt.Sprintf("%.0f", m.Rate), fmt.Sprintf("%.3f", m.P50), fmt.Sprintf("%.3f", m.P99),
				fmt.Sprintf("%.0f", m.ServerCPU), fmt.Sprintf("%.0f", m.cpu()), m.ratioCell(handRLS), m.ratioCell(handBare),
			})
		}
	}
	err := table.Flush()
	for line := range strings.Lines(aligned.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return err
}

func (m measured) ratioCell(other string) string {
	if m.Server == other {
		return "1.00"
	}
	return fmt.Sprintf("%.2f", m.Ratios[other])
}

// write writes the report to a file as JSON.
func (r *report) write(path string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o644)
}
