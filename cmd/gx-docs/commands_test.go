package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCommands tries the commands that stand in "sh" blocks. What `gx run` would do is asked of `gx check` with the same
// job and variables, and its flags of `gx run --help`; so with `gx state`. Make targets and the flags of gx-sandbox must exist.
func TestCommands(t *testing.T) {
	b := bench{gx: buildGX(t), makefile: readTree(t, "Makefile"), sandbox: sandboxSource(t)}
	for _, page := range allPages(t) {
		b.dir = workplace(t, page)
		for _, f := range fences(t, page) {
			if f.info != "sh" {
				continue
			}
			for line := range strings.SplitSeq(strings.ReplaceAll(f.text, "\\\n", " "), "\n") {
				if err := b.try(line); err != nil {
					t.Errorf("%s: %s: %v", f, line, err)
				}
			}
		}
	}
	if b.tried < 15 {
		t.Errorf("only %d commands were tried", b.tried)
	}
}

type bench struct {
	gx, dir, makefile, sandbox string
	tried                      int
}

// plain are programs that a reader has, and that nothing here can break.
var plain = []string{"cat", "cd", "cp", "git", "go", "jq", "kill", "mkdir", "tail"}

func (b *bench) try(line string) error {
	words, err := split(line)
	if err != nil || len(words) == 0 {
		return err
	}
	if i := slices.IndexFunc(words, func(w string) bool { return w == "<" || w == ">" || w == "|" || w == "&" }); i >= 0 {
		words = words[:i]
	}
	for strings.Contains(words[0], "=") { // NAME=value before the command
		words = words[1:]
	}
	b.tried++
	switch name := words[0]; {
	case name == "make":
		for _, target := range words[1:] {
			if !strings.Contains(target, "=") && !strings.Contains(b.makefile, "\n"+target+":") {
				return fmt.Errorf("the Makefile has no %s", target)
			}
		}
		return nil
	case name == "gx" || name == "bin/gx":
		return b.runGX(words[1:])
	case name == "gx-sandbox" || name == "bin/gx-sandbox":
		for _, w := range words[1:] {
			flag, is := strings.CutPrefix(w, "--")
			flag, _, _ = strings.Cut(flag, "=")
			if is && !strings.Contains(b.sandbox, `"`+flag+`"`) {
				return fmt.Errorf("gx-sandbox has no flag --%s", flag)
			}
		}
		return nil
	case slices.Contains(plain, name):
		b.tried--
		return nil
	}
	return errors.New("nobody knows this command")
}

func (b *bench) runGX(args []string) error {
	if args[0] == "explain" { // what it asks servers for, nobody here can say
		args = append([]string{"check"}, args[1:]...)
	}
	if args[0] == "run" {
		var err error
		if args, err = b.asCheck(args); err != nil {
			return err
		}
	}
	if args[0] == "state" {
		if err := b.knows(args[:2], args[3:]); err != nil {
			return err
		}
		args = []string{"check", args[2]}
	}
	args = slices.DeleteFunc(args, func(word string) bool { return word == "--live" }) // there are no servers here
	cmd := exec.Command(b.gx, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "STARROCKS_PASSWORD=not-a-secret", "KAFKA_PASSWORD=not-a-secret")
	out, err := cmd.CombinedOutput()
	if err != nil && bytes.Contains(out, []byte("is not in doubt")) { // no shard is, where no job has run
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// knows looks for flags in the help of a command, the job of which asks servers that are not here.
func (b *bench) knows(command, flags []string) error {
	help, err := exec.Command(b.gx, append(slices.Clone(command), "--help")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, help)
	}
	for _, f := range flags {
		if f, _, _ = strings.Cut(f, "="); strings.HasPrefix(f, "--") && !bytes.Contains(help, []byte(f+" ")) {
			return fmt.Errorf("gx %s has no flag %s", strings.Join(command, " "), f)
		}
	}
	return nil
}

// asCheck turns the words of `gx run` into those of `gx check`.
func (b *bench) asCheck(args []string) ([]string, error) {
	help, err := exec.Command(b.gx, "run", "--help").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, help)
	}
	out := []string{"check"}
	for i := 1; i < len(args); i++ {
		flag, _, joined := strings.Cut(args[i], "=")
		if strings.HasPrefix(flag, "--") && !bytes.Contains(help, []byte(flag+" ")) {
			return nil, fmt.Errorf("gx run has no flag %s", flag)
		}
		switch flag {
		case "--quiet", "--datax-exit-codes", "--resume":
		case "--report", "--drain-timeout", "--summary":
			if !joined {
				i++
			}
		default:
			out = append(out, args[i])
		}
	}
	return out, nil
}

// workplace is a folder with what the commands of a page find: the examples, and the page's own job and data sources.
func workplace(t *testing.T, page string) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs(tree)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(root, "examples"), filepath.Join(dir, "examples")); err != nil {
		t.Fatal(err)
	}
	addresses := strings.NewReplacer("${kafka}", "broker:9092", "${feHttp}", "fe:8030", "${feQuery}", "fe:9030")
	files := map[string]string{"job.json": addresses.Replace(readTree(t, "examples/quickstart/job.json"))}
	for _, f := range slices.Backward(fences(t, page)) { // the first of the page wins
		switch f.info {
		case "json job":
			files["job.json"] = f.text
		case "json datasources":
			files["datasources.json"] = f.text
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// buildGX uses the flags of the Makefile, and so its build cache.
func buildGX(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "gx")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", bin, "./cmd/gx")
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func sandboxSource(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(tree, "test", "sandbox", "cmd", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source of gx-sandbox: %v", err)
	}
	var b strings.Builder
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(src)
	}
	return b.String()
}

// split cuts a line into words as a shell does, as far as the pages need it: quotes, and comments at the end.
func split(line string) (words []string, err error) {
	var word strings.Builder
	var quote rune
	open := false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, open = c, true
		case c == '#' && !open:
			return words, nil
		case c == ' ' || c == '\t':
			if open {
				words = append(words, word.String())
				word.Reset()
				open = false
			}
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

var flagLine = regexp.MustCompile(`(?m)^\s+(?:-\w, )?(--[a-z-]+)`)

// TestCommandLinePage holds the page of the command line to what the commands say of themselves.
func TestCommandLinePage(t *testing.T) {
	gx := buildGX(t)
	page := readTree(t, "docs/reference/command-line.md")
	flags := 0
	for _, command := range []string{"", "run", "check", "convert", "state show", "state reset", "plugin list", "plugin info", "version"} {
		if !strings.Contains(page, "`gx "+command) {
			t.Errorf("the page does not name `gx %s`", command)
		}
		help, err := exec.Command(gx, append(strings.Fields(command), "--help")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, help)
		}
		for _, m := range flagLine.FindAllStringSubmatch(string(help), -1) {
			if m[1] != "--help" {
				flags++
				if !strings.Contains(page, "`"+m[1]) {
					t.Errorf("gx %s has the flag %s, and the page does not", command, m[1])
				}
			}
		}
	}
	if flags < 15 {
		t.Errorf("only %d flags were found", flags)
	}
}

func TestSplit(t *testing.T) {
	got, err := split(`gx run 'a b' -p"-Dx=1 -Dy=2" --q # words`)
	want := []string{"gx", "run", "a b", "-p-Dx=1 -Dy=2", "--q"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
}
