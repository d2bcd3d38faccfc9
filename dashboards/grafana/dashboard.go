package grafana

// Dashboard is one dashboard.
type Dashboard struct {
	// UID is in the address of the dashboard: it must not change.
	UID         string
	Title       string
	Description string
	Tags        []string
	// From is how far back it looks at first, such as "now-1h".
	From string
	// Refresh is how often it asks again, such as "30s".
	Refresh   string
	Variables []Variable
	Links     []Link
	Rows      []Row
}

// Panels lists the panels of all rows, in the order in which they stand.
func (d *Dashboard) Panels() []Panel {
	var all []Panel
	for i := range d.Rows {
		all = append(all, d.Rows[i].Panels...)
	}
	return all
}

// Variable is a choice at the top of a dashboard: a datasource, or the values of a label.
type Variable struct {
	Name        string
	Label       string // for people
	Description string
	// Query is such as label_values(metric, label); a variable without one is the choice of the datasource.
	Query string
	// Multi lets several values be chosen, or all of them: it must be matched by =~.
	Multi bool
	// AllValue is the regular expression of all values.
	AllValue string
}

// Link leads from the top of a dashboard to another one, at the same time range.
type Link struct {
	Title string
	URL   string
}

// Row is a headline with panels below.
type Row struct {
	Title  string
	Panels []Panel
}

// Kind is how a panel shows its data.
type Kind string

// The kinds of panels.
const (
	TimeSeries    Kind = "timeseries"
	Stat          Kind = "stat"
	Gauge         Kind = "gauge"
	BarGauge      Kind = "bargauge"
	Table         Kind = "table"
	StateTimeline Kind = "state-timeline"
)

// Instant says whether the panel shows the present only, and not a time range.
func (k Kind) Instant() bool { return k != TimeSeries && k != StateTimeline }

// Width is how many of the 24 columns of the grid a panel takes.
type Width int

// The widths of panels.
const (
	Eighth  Width = 3
	Sixth   Width = 4
	Quarter Width = 6
	Third   Width = 8
	Half    Width = 12
	Full    Width = 24
)

// Panel is one picture.
type Panel struct {
	Kind        Kind
	Title       string
	Description string
	Unit        Unit
	Width       Width
	Height      int // 0 = as is usual for the kind
	Targets     []Target
	// Thresholds colour the values, in rising order; without any, a value has no meaning of good or bad.
	Thresholds []Threshold
	Mappings   []Mapping
	// Max is the end of the scale; 0 = as the data has it. Scales begin at 0.
	Max float64
	// Stack puts the lines of a time series one on the other.
	Stack bool
	// Columns are those of a table, in their order; all others are hidden.
	Columns []Column
	// Join is the column by which the targets of a table become one, row by row.
	Join string
	// Links lead from a value to where there is more about it.
	Links []Link
	// NoValue is what is shown without data, where that is good news.
	NoValue string
	// NameOnly makes a Stat show the legend of its target in place of the number.
	NameOnly bool
}

// Target is one query.
type Target struct {
	Expr   string
	Legend string
}

// Threshold is the colour from a value on.
type Threshold struct {
	From  float64
	Color Color
}

// Color is a colour by its name in Grafana.
type Color string

// The colours in use.
const (
	Green  Color = "green"
	Yellow Color = "yellow"
	Orange Color = "orange"
	Red    Color = "red"
	Blue   Color = "blue"
	Purple Color = "purple"
	Grey   Color = "text"
)

// Mapping is the text that stands for a value.
type Mapping struct {
	Value int
	Text  string
	Color Color
}

// Column is a column of a table: a label, or the value of a target.
type Column struct {
	// Field is a label, or "Value #A" for the first target, "Value #B" for the second one; "Value" where there is only one.
	Field      string
	Title      string
	Unit       Unit
	Thresholds []Threshold
	Mappings   []Mapping
	Links      []Link
	// SortDown sorts the table by this column, the largest first.
	SortDown bool
}
