// Package arch keeps the house in order: its tests check which package may import which, that every package says what it
// is for, that exported names are documented, and that nothing global can change.
//
// It reads source files only: it runs no tool and needs no network. It has no code but tests.
//
// Start reading at TestImports (imports_test.go), where the arrows are.
package arch
