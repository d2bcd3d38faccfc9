package arch

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGlobals: a package variable is a sentinel error, a read-only table, a compiled expression, an embedded file or a guard,
// and nothing assigns to it.
func TestGlobals(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		names := map[string]bool{}
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, spec := range globals(f) {
				checkGlobal(t, p, f, spec)
				for _, name := range spec.Names {
					names[name.Name] = true
				}
			}
		}
		for _, f := range p.files {
			if !f.test {
				checkAssignments(t, f, names)
			}
		}
	}
}

// globals lists the package variables of a file.
func globals(f file) []*ast.ValueSpec {
	var specs []*ast.ValueSpec
	for _, decl := range f.ast.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.VAR {
			continue
		}
		for _, spec := range d.Specs {
			s, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			if len(d.Specs) == 1 && s.Doc == nil {
				s.Doc = d.Doc
			}
			specs = append(specs, s)
		}
	}
	return specs
}

func checkGlobal(t *testing.T, p pkg, f file, s *ast.ValueSpec) {
	t.Helper()
	switch {
	case s.Names[0].Name == "_":
		return // a guard: this type implements that interface
	case len(s.Values) == 0 && s.Doc != nil && slices.ContainsFunc(s.Doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	}):
		return
	case p.dir == "cmd/tallyman" && filepath.Base(f.name) == "main.go":
		return // set by the linker
	}
	for _, value := range s.Values {
		switch v := value.(type) {
		case *ast.CompositeLit:
			continue
		case *ast.CallExpr:
			if slices.Contains([]string{"errors.New", "fmt.Errorf", "regexp.MustCompile"}, called(v)) {
				continue
			}
		}
		t.Errorf("%s: package variable %s is no sentinel, table, regular expression, embedded file or guard", f.at(s), s.Names[0].Name)
	}
	if len(s.Values) == 0 {
		t.Errorf("%s: package variable %s can only be there to be changed", f.at(s), s.Names[0].Name)
	}
}

// called names the function of a call, with its package.
func called(c *ast.CallExpr) string {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	from, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return from.Name + "." + sel.Sel.Name
}

// checkAssignments looks for changes of package variables. Names that a function declares itself are not known here: let them
// not be called as a package variable is.
func checkAssignments(t *testing.T, f file, names map[string]bool) {
	t.Helper()
	changed := func(e ast.Expr) {
		if name := base(e); names[name] && name != "_" {
			t.Errorf("%s: %s is a package variable or called as one: nothing may assign to it", f.at(e), name)
		}
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				break
			}
			for _, e := range n.Lhs {
				changed(e)
			}
		case *ast.IncDecStmt:
			changed(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				changed(n.X)
			}
		}
		return true
	})
}

// base is the variable at the beginning of an expression such as table[i].field.
func base(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
