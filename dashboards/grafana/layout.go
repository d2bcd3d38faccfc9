package grafana

const (
	columns   = 24
	rowHeight = 1
)

// position is where a panel stands in the grid.
type position struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// usualHeight is the height of a panel that does not say one.
func usualHeight(k Kind) int {
	switch k {
	case Stat, Gauge:
		return 4
	case TimeSeries, Table, BarGauge, StateTimeline:
		return 8
	}
	return 8
}

// place puts the panels of a row into lines from y on, as words into a text, and returns where the next row begins. All panels of
// a line are as high as its highest.
func place(panels []Panel, y int) (at []position, next int) {
	at = make([]position, len(panels))
	line, x, height := 0, 0, 0 // the first panel of the line, where the next one stands, and the height so far
	end := func(until int) {
		for i := line; i < until; i++ {
			at[i].H = height
		}
		line, x, y, height = until, 0, y+height, 0
	}
	for i := range panels {
		p := &panels[i]
		if x+int(p.Width) > columns {
			end(i)
		}
		at[i] = position{W: int(p.Width), X: x, Y: y}
		x += int(p.Width)
		h := p.Height
		if h == 0 {
			h = usualHeight(p.Kind)
		}
		height = max(height, h)
	}
	end(len(panels))
	return at, y
}
