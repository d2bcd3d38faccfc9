// Package document helps tests to check and write the parts of documents that are made of the code. It knows Markdown as far as this
// repository uses it. It is for tests only.
//
// Start reading at Keep, and at Links.
package document
