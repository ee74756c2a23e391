package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// constant is the definition of a code, wherever in the product it stands.
var constant = regexp.MustCompile(`\b([cC]ode[A-Za-z]*) += "(SEC(?:-[A-Z0-9]+)+)"`)

// listing are tests that name codes without anything being refused.
var listing = map[string]bool{"TestMessagesKeepTheirPrefixes": true, "TestGuardCodesAreNamedOnce": true, "TestAcceptedCodesMustExist": true}

// TestEveryCodeIsProvoked: each code that the product can show is what some test gets, at
// the place where it comes into being. A test that only hands a code in, by making the
// refusal itself, does not count.
func TestEveryCodeIsProvoked(t *testing.T) {
	codes := map[string]string{} // by package and constant
	sources(t, func(name, text string) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		for _, match := range constant.FindAllStringSubmatch(text, -1) {
			codes[path.Base(path.Dir(name))+"."+match[1]] = match[2]
		}
	}, "internal")
	provoked := map[string]bool{}
	sources(t, func(name, text string) {
		if strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "internal/pages/") {
			named(t, name, text, codes, provoked)
		}
	}, "internal", "cmd", "signontest")
	err := fs.WalkDir(os.DirFS(root), "cmd/catalpa/testdata", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		for _, found := range code.FindAllString(string(text), -1) {
			provoked[found] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for c := range knownCodes(t) {
		if !provoked[c] {
			t.Errorf("no test provokes %s: write one that gets it, in the package where it comes into being", c)
		}
	}
	if len(provoked) < 60 {
		t.Errorf("only %d codes were found in tests", len(provoked))
	}
}

// named collects the codes that a file of tests names, by constant or as text.
func named(t *testing.T, name, text string, codes map[string]string, into map[string]bool) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && listing[f.Name.Name] {
			continue
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				return !makesRefusal(n.Fun)
			case *ast.SelectorExpr:
				if from, ok := n.X.(*ast.Ident); ok {
					into[codes[from.Name+"."+n.Sel.Name]] = true
				}
			case *ast.Ident:
				into[codes[path.Base(path.Dir(name))+"."+n.Name]] = true
			case *ast.BasicLit:
				for _, found := range code.FindAllString(n.Value, -1) {
					into[found] = true
				}
			}
			return true
		})
	}
}

func makesRefusal(called ast.Expr) bool {
	name := ""
	switch f := called.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	return name == "Refuse" || name == "RefuseFor" || name == "Guard" || name == "Stop"
}
