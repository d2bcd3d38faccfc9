// Package human writes numbers and times as people read them, on pages and terminals alike. Start reading at Bytes.
package human
