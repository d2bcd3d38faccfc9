// Package browser opens tallyman's pages in a real headless Chromium, and checks what can be checked of any page: that it works
// without errors, asks nobody else, and can be used by everybody.
//
// Start reading at Start, then Page.Audit (audit.js).
package browser
