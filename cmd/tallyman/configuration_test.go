package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"tallyman/internal/document"
)

// update makes TestConfigurationDoc write its document: go test ./cmd/tallyman -run ConfigurationDoc -update.
var update = flag.Bool("update", false, "write the documents that are made of the flags")

const configurationDoc = "../../docs/configuration.md"

// flags lists the flags of every command, the commands in their order.
func flags() (names []string, of map[string][]*kingpin.FlagModel) {
	app := kingpin.New("tallyman", "")
	commands(app, env(nil))
	of = map[string][]*kingpin.FlagModel{}
	for _, c := range app.Model().Commands {
		if c.Name == "help" {
			continue
		}
		names = append(names, c.Name)
		of[c.Name] = c.Flags
	}
	return names, of
}

// TestConfigurationDoc: the document lists every flag of every command, with its variable, default and help.
func TestConfigurationDoc(t *testing.T) {
	t.Parallel()
	if err := document.Keep(configurationDoc, "flags", flagTables(), *update); err != nil {
		t.Error(err)
	}
}

// flagTables writes the flags for people. What a command shares with serve is said there only.
func flagTables() []byte {
	var b bytes.Buffer
	names, of := flags()
	shared := map[string]bool{}
	for _, command := range names {
		fmt.Fprintf(&b, "### %s\n\n", command)
		var again []string
		b.WriteString("| flag | variable | default | what |\n|---|---|---|---|\n")
		for _, f := range of[command] {
			if shared[f.Name] {
				again = append(again, "`--"+f.Name+"`")
				continue
			}
			shared[f.Name] = command == cmdServe
			writeFlag(&b, command, f)
		}
		if len(again) > 0 {
			fmt.Fprintf(&b, "\nAlso, as with `serve`: %s.\n", strings.Join(again, ", "))
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}

// writeFlag writes one row.
func writeFlag(b *bytes.Buffer, command string, f *kingpin.FlagModel) {
	variable := flagSet{command: command}.env(f.Name)
	def := strings.Join(f.Default, ", ")
	if def != "" {
		def = "`" + def + "`"
	}
	name := "--" + f.Name
	if f.IsBoolFlag() {
		name = "--[no-]" + f.Name
	}
	help := strings.TrimSuffix(f.Help, " ["+variable+"]")
	fmt.Fprintf(b, "| `%s` | `%s` | %s | %s |\n", name, variable, def, strings.NewReplacer("|", `\|`, "*", `\*`, "<", `\<`).Replace(help))
}

// TestFlagsInDocuments: the documents name no flag and no variable that there is not.
func TestFlagsInDocuments(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	names, of := flags()
	for _, command := range names {
		for _, f := range of[command] {
			known["--"+f.Name], known["--no-"+f.Name], known[flagSet{command: command}.env(f.Name)] = true, true, true
		}
	}
	documents, err := filepath.Glob("../../*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	// A flag with a dot in it is ours, but for one of promtool.
	ours := regexp.MustCompile(`--(?:no-)?[a-z]+(?:\.[a-z0-9-]+)+|\bTALLYMAN_[A-Z_]+`)
	for _, name := range append(documents, more...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range ours.FindAllString(string(text), -1) {
			if !known[word] && !strings.HasPrefix(word, "TALLYMAN_TEST_") && word != "TALLYMAN_IMAGE" && word != "--http.config.file" {
				t.Errorf("%s names %s, which there is not", filepath.Base(name), word)
			}
		}
	}
}
