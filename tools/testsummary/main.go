// Command testsummary reads the event stream of "go test -json" on standard
// input, prints what a person wants to read of it, and keeps count.
//
//	go test -json ./... | testsummary -tally FILE   show one run, add its counts to FILE
//	testsummary -total FILE                         print "N passed, M failed" over all runs
//
// It exits with status 1 when a test, a package or a build failed, and also when
// nothing at all ran: a silent run must not look like a good one.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	tally := flag.String("tally", "", "add this run's counts to `FILE`")
	total := flag.String("total", "", "print the sum of the counts in `FILE` and exit")
	verbose := flag.Bool("v", false, "print the output of passing tests too")
	flag.Parse()

	ok, err := run(os.Stdin, os.Stdout, *tally, *total, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, tally, total string, verbose bool) (bool, error) {
	if total != "" {
		c, err := readTally(total)
		if err != nil {
			return false, err
		}
		fmt.Fprintln(out, c)
		return c.ok(), nil
	}
	c, err := show(in, out, verbose)
	if err != nil {
		return false, err
	}
	if tally != "" {
		if err := appendTally(tally, c); err != nil {
			return false, err
		}
	}
	return c.failed == 0, nil
}

// counts are the results of tests that have no subtests of their own, so that a
// table test counts once for each of its cases. A package that fails without a
// failing test (a build error, a panic in TestMain) counts as one failure.
type counts struct{ passed, failed, skipped int }

func (c counts) ok() bool { return c.failed == 0 && c.passed > 0 }

func (c counts) String() string {
	s := fmt.Sprintf("%d passed, %d failed", c.passed, c.failed)
	if c.skipped > 0 {
		s += fmt.Sprintf(", %d skipped", c.skipped)
	}
	return s
}

// event is one line of the stream; "go doc test2json" describes it.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// viewer holds a run while it is shown: the output of tests still running and
// the results so far, by package and test.
type viewer struct {
	out     io.Writer
	verbose bool
	pending map[[2]string][]string
	result  map[[2]string]string
	parents map[[2]string]bool
	failed  map[string]int // failing tests by package
	lost    int            // packages that failed with no failing test
}

func show(in io.Reader, out io.Writer, verbose bool) (counts, error) {
	v := &viewer{
		out: out, verbose: verbose,
		pending: map[[2]string][]string{},
		result:  map[[2]string]string{},
		parents: map[[2]string]bool{},
		failed:  map[string]int{},
	}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			v.line(line)
		}
		if err == io.EOF {
			return v.counts(), nil
		}
		if err != nil {
			return counts{}, err
		}
	}
}

func (v *viewer) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(v.out, line) // the go command itself speaking
		return
	}
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "output":
		v.output(key, e.Output)
	case "build-output":
		fmt.Fprint(v.out, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			v.packageEnd(e)
		} else {
			v.testEnd(key, e)
		}
	}
}

func (v *viewer) output(key [2]string, text string) {
	if v.verbose {
		fmt.Fprint(v.out, text)
		return
	}
	if key[1] != "" {
		v.pending[key] = append(v.pending[key], text)
		return
	}
	// "PASS" alone says nothing that "ok" does not.
	if text != "PASS\n" {
		fmt.Fprint(v.out, text)
	}
}

func (v *viewer) testEnd(key [2]string, e event) {
	v.result[key] = e.Action
	for name := e.Test; strings.Contains(name, "/"); {
		name = name[:strings.LastIndex(name, "/")]
		v.parents[[2]string{e.Package, name}] = true
	}
	if e.Action == "fail" {
		v.failed[e.Package]++
		for _, text := range v.pending[key] {
			fmt.Fprint(v.out, text)
		}
	}
	delete(v.pending, key)
}

func (v *viewer) packageEnd(e event) {
	if e.Action != "fail" || v.failed[e.Package] > 0 {
		return
	}
	v.lost++
	for key, texts := range v.pending { // a crash leaves its trace with the test that was running
		if key[0] != e.Package {
			continue
		}
		for _, text := range texts {
			fmt.Fprint(v.out, text)
		}
		delete(v.pending, key)
	}
}

func (v *viewer) counts() counts {
	c := counts{failed: v.lost}
	for key, result := range v.result {
		if v.parents[key] && !(result == "fail" && v.failedAlone(key)) {
			continue
		}
		switch result {
		case "pass":
			c.passed++
		case "fail":
			c.failed++
		case "skip":
			c.skipped++
		}
	}
	return c
}

// failedAlone tells whether a failing test with subtests failed though none of
// them did.
func (v *viewer) failedAlone(key [2]string) bool {
	for other, result := range v.result {
		if result == "fail" && other[0] == key[0] && strings.HasPrefix(other[1], key[1]+"/") {
			return false
		}
	}
	return true
}

func appendTally(path string, c counts) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, c.passed, c.failed, c.skipped); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func readTally(path string) (counts, error) {
	f, err := os.Open(path)
	if err != nil {
		return counts{}, err
	}
	defer f.Close()
	var sum counts
	for {
		var c counts
		n, err := fmt.Fscanln(f, &c.passed, &c.failed, &c.skipped)
		if n == 0 && err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return counts{}, fmt.Errorf("%s: %w", path, err)
		}
		sum.passed += c.passed
		sum.failed += c.failed
		sum.skipped += c.skipped
	}
}
