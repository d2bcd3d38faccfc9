package table

import "slices"

// gap is the number of cells between two columns.
const gap = 2

// Column says how a column is laid out.
type Column struct {
	Title string
	// Right says that the texts stand on the right, as numbers do.
	Right bool
	// Rank is how soon the column is left out where the width does not do for all: the highest first; 0 = never.
	Rank int
	// Min is to how many cells the column may be shortened before any is left out; 0 = not at all.
	Min int
}

// Table is text in columns. Every row has a text for each of them.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// Layout says which columns are shown, and how wide.
type Layout struct {
	columns []Column
	// Shown are the columns, as numbered in the Table; Widths are those of all columns, in cells.
	Shown, Widths []int
}

// Fit lays the table out for a width in cells: first the widest columns that may be are shortened, then columns are left out. 0 = there
// is no end to the width.
func (t *Table) Fit(width int) Layout {
	l := Layout{columns: t.Columns, Widths: make([]int, len(t.Columns))}
	for i, c := range t.Columns {
		l.Shown = append(l.Shown, i)
		l.Widths[i] = Width(c.Title)
		for _, row := range t.Rows {
			l.Widths[i] = max(l.Widths[i], Width(row[i]))
		}
	}
	if width <= 0 {
		return l
	}
	natural := slices.Clone(l.Widths)
	for !l.shorten(width) {
		least := l.dispensable()
		if least < 0 {
			break
		}
		l.Shown = slices.Delete(l.Shown, least, least+1)
		copy(l.Widths, natural)
	}
	return l
}

// shorten takes cells from the widest of the columns that may be shortened; false when that does not do.
func (l *Layout) shorten(width int) bool {
	for over := l.width() - width; over > 0; over-- {
		widest := -1
		for _, i := range l.Shown {
			if c := l.columns[i]; c.Min > 0 && l.Widths[i] > c.Min && (widest < 0 || l.Widths[i] > l.Widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		l.Widths[widest]--
	}
	return true
}

// width is that of all shown columns.
func (l *Layout) width() int {
	total := gap * (len(l.Shown) - 1)
	for _, i := range l.Shown {
		total += l.Widths[i]
	}
	return total
}

// dispensable is the place in Shown of the column that can be missed most easily; -1 = none can.
func (l *Layout) dispensable() int {
	found := -1
	for place, i := range l.Shown {
		if r := l.columns[i].Rank; r > 0 && (found < 0 || r >= l.columns[l.Shown[found]].Rank) {
			found = place
		}
	}
	return found
}

// Cells gives the texts of a row as they stand side by side, padded and with the gap before all but the first; column is that of the
// Table.
func (l *Layout) Cells(row []string, each func(column int, text string)) {
	for place, i := range l.Shown {
		text := Pad(row[i], l.Widths[i], l.columns[i].Right)
		if place > 0 {
			text = "  " + text
		}
		each(i, text)
	}
}

// Titles are the texts of the first line.
func (l *Layout) Titles() []string {
	titles := make([]string, len(l.columns))
	for i, c := range l.columns {
		titles[i] = c.Title
	}
	return titles
}
