package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// pkg is a folder of the repository with Go files.
type pkg struct {
	dir   string // below the root of the repository, with slashes
	files []file
}

// file is one parsed Go file.
type file struct {
	name string // below the root of the repository, with slashes
	test bool
	ast  *ast.File
	fset *token.FileSet
}

// at tells where in the repository a node stands.
func (f file) at(n ast.Node) string {
	return f.name + ":" + strconv.Itoa(f.fset.Position(n.Pos()).Line)
}

// imports lists the paths that a file imports.
func (f file) imports(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, spec := range f.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

const root = "../.."

// packages parses every Go file of the repository: both modules.
func packages(t *testing.T) []pkg {
	t.Helper()
	byDir := map[string]*pkg{}
	var order []string
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipHidden(name, d.Name())
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		dir := path.Dir(rel)
		if byDir[dir] == nil {
			byDir[dir] = &pkg{dir: dir}
			order = append(order, dir)
		}
		byDir[dir].files = append(byDir[dir].files, file{
			name: rel, test: strings.HasSuffix(rel, "_test.go"), ast: parsed, fset: fset,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(order) == 0 {
		t.Fatal("no Go files found")
	}
	all := make([]pkg, 0, len(order))
	for _, dir := range order {
		all = append(all, *byDir[dir])
	}
	return all
}

// skipHidden leaves out folders that the go command does not look into either.
func skipHidden(name, base string) error {
	if name != root && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin") {
		return fs.SkipDir
	}
	return nil
}
