package arch

import (
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxFileLines bounds files that are read from top to bottom. Tests may be longer.
const maxFileLines = 400

// TestPackageDocs: every package has a doc.go (a command: main.go) that says its duty and where to start reading.
func TestPackageDocs(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		i := slices.IndexFunc(p.files, func(f file) bool { return f.ast.Doc != nil && !f.test })
		if i < 0 {
			t.Errorf("%s: no package comment: write doc.go", p.dir)
			continue
		}
		f := p.files[i]
		base, want := filepath.Base(f.name), "doc.go"
		if f.ast.Name.Name == "main" {
			want = "main.go"
		}
		if base != want && len(p.files) > 1 {
			t.Errorf("%s: the package comment belongs into %s", f.name, want)
		}
		if text := f.ast.Doc.Text(); !strings.Contains(strings.ReplaceAll(text, "\n", " "), "Start reading at ") {
			t.Errorf("%s: the package comment does not say where to start reading: want \"Start reading at X\"", f.name)
		}
	}
}

// TestExportedDocs: every exported name has a doc comment, and those of functions and types start with the name.
func TestExportedDocs(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, decl := range f.ast.Decls {
				switch d := decl.(type) {
				case *ast.FuncDecl:
					if d.Name.IsExported() && exportedReceiver(d) {
						checkDoc(t, f, d, d.Name.Name, d.Doc)
					}
				case *ast.GenDecl:
					checkGenDecl(t, f, d)
				}
			}
		}
	}
}

func checkGenDecl(t *testing.T, f file, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() {
				checkDoc(t, f, s, s.Name.Name, firstOf(s.Doc, d.Doc))
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() && firstOf(s.Doc, s.Comment, d.Doc) == nil {
					t.Errorf("%s: %s has no doc comment", f.at(s), name.Name)
				}
			}
		}
	}
}

func checkDoc(t *testing.T, f file, n ast.Node, name string, doc *ast.CommentGroup) {
	t.Helper()
	if doc == nil {
		t.Errorf("%s: %s has no doc comment", f.at(n), name)
		return
	}
	text := strings.TrimSpace(doc.Text())
	for _, article := range []string{"A ", "An ", "The "} {
		text = strings.TrimPrefix(text, article)
	}
	if !strings.HasPrefix(text, name) {
		t.Errorf("%s: the doc comment of %s does not start with its name", f.at(n), name)
	}
	if !strings.HasSuffix(text, ".") && !strings.Contains(text, "\n\t") {
		t.Errorf("%s: the doc comment of %s does not end with a full stop", f.at(n), name)
	}
}

// exportedReceiver says whether a function is reachable from outside: no method, or one of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if generic, ok := typ.(*ast.IndexExpr); ok {
		typ = generic.X
	}
	name, ok := typ.(*ast.Ident)
	return ok && name.IsExported()
}

func firstOf(groups ...*ast.CommentGroup) *ast.CommentGroup {
	for _, g := range groups {
		if g != nil {
			return g
		}
	}
	return nil
}

// TestNoInit: nothing happens before main.
func TestNoInit(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, f := range p.files {
			for _, decl := range f.ast.Decls {
				if d, ok := decl.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: no init(): let the caller construct what it needs", f.at(d))
				}
			}
		}
	}
}

// TestFileLength: one idea per file.
func TestFileLength(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, f := range p.files {
			if lines := f.fset.File(f.ast.Pos()).LineCount(); lines > maxFileLines && !f.test {
				t.Errorf("%s has %d lines: want at most %d, one idea per file", f.name, lines, maxFileLines)
			}
		}
	}
}
