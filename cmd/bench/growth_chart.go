package main

import (
	"errors"
	"math"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A scale is a figure that a panel of a chart shows, for each curve.
type scale struct {
	name string // follows that of the curve in the legend
	of   func(grown) float64
}

// panels are what a chart shows, from above.
var panels = []struct {
	axis   string
	scales []scale
}{
	{"requests per second", []scale{{"", func(g grown) float64 { return g.Rate }}}},
	{"MiB", []scale{
		{": postern", func(g grown) float64 { return g.shell }},
		{": largest session", func(g grown) float64 { return g.session }},
	}},
}

// drawGrowth writes the chart of a dimension as SVG. All axes are logarithmic. Points that failed are left out.
func drawGrowth(path string, d dimension, all []grown) error {
	var curves []string
	points := make(map[string][]grown)
	for _, one := range all {
		if points[one.curve] == nil {
			curves = append(curves, one.curve)
		}
		points[one.curve] = append(points[one.curve], one)
	}
	plots := make([][]*plot.Plot, len(panels))
	for row, panel := range panels {
		p := plot.New()
		p.X.Label.Text, p.Y.Label.Text = d.title, panel.axis
		p.Legend.Left, p.Legend.Top = true, row > 0 // rates fall, memory rises
		p.Legend.TextStyle.Font.Size = vg.Points(9)
		p.Add(plotter.NewGrid())
		for i, curve := range curves {
			for j, s := range panel.scales {
				if err := addCurve(p, curve+s.name, i, j, points[curve], s.of); err != nil {
					return err
				}
			}
		}
		logarithmic(&p.X)
		logarithmic(&p.Y)
		plots[row] = []*plot.Plot{p}
	}
	const width, height = 18 * vg.Centimeter, 22 * vg.Centimeter
	canvas := vgsvg.New(width, height)
	tiles := draw.Tiles{Cols: 1, Rows: len(plots), PadX: vg.Centimeter, PadY: vg.Centimeter, PadRight: vg.Centimeter}
	for row, at := range plot.Align(plots, tiles, draw.New(canvas)) {
		plots[row][0].Draw(at[0])
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = canvas.WriteTo(file)
	return errors.Join(err, file.Close())
}

// addCurve adds a line in a colour and a dash pattern of a number each.
func addCurve(p *plot.Plot, name string, colour, dashes int, points []grown, of func(grown) float64) error {
	var xys plotter.XYs
	for _, one := range points {
		if y := of(one); one.failed == nil && y > 0 {
			xys = append(xys, plotter.XY{X: float64(one.at), Y: y})
		}
	}
	if len(xys) == 0 {
		return nil
	}
	line, dots, err := plotter.NewLinePoints(xys)
	if err != nil {
		return err
	}
	line.Color, dots.Color = plotutil.Color(colour), plotutil.Color(colour)
	line.Dashes = plotutil.Dashes(dashes)
	dots.Shape = draw.CircleGlyph{}
	p.Add(line, dots)
	p.Legend.Add(name, line, dots)
	return nil
}

// logarithmic gives an axis a logarithmic scale, from a power of ten to another, over what was added.
func logarithmic(axis *plot.Axis) {
	if axis.Min > axis.Max { // nothing was added
		axis.Min, axis.Max = 1, 10
	}
	axis.Min = math.Pow10(int(math.Floor(math.Log10(axis.Min))))
	axis.Max = max(math.Pow10(int(math.Ceil(math.Log10(axis.Max)))), 10*axis.Min)
	axis.Scale, axis.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
}
