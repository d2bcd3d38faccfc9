// Package table lays out tables of text in the cells of a terminal: what is shown of whose columns in which width. It knows neither
// colours nor what the texts say, and writes nothing. Start reading at Table.
package table
