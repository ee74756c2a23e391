package pages

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"github.com/go-json-experiment/json"
)

// words are what a page says about a failure. They are written once, in a module
// that the scripts import and the server reads.
type words struct {
	At   string   `json:"at"`   // where it stopped: provider, return, identity, account
	Say  string   `json:"say"`  // one sentence
	Do   []string `json:"do"`   // what the reader can do
	Go   string   `json:"go"`   // the button
	Wait int      `json:"wait"` // seconds until trying again makes sense
}

// Failure is why a sign-in stopped.
type Failure struct {
	Code      string // SEC-…; "" for none
	Reason    string // the provider's error word, if any; shown as text
	Message   string // what the server says, for codes without words
	Hint      string
	Request   string // id to quote
	Time      string
	Retry     string // where the button leads
	Provider  string // display name of the identity provider
	NotSignIn bool   // nothing of a sign-in: no trail
}

// step is one line of the trail.
type step struct {
	Name, State, Word string // State: done, failed, open
}

// stopped is a Failure with its words.
type stopped struct {
	Failure
	Heading, Say, Go string
	Do               []string
	Trail            []step
	Wait             int
}

const (
	failuresFile  = "failures.js"
	failuresStart = "export default"
)

func readFailures(files fs.FS) (map[string]words, error) {
	raw, err := fs.ReadFile(files, failuresFile)
	if err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(bytes.TrimSpace(bytes.TrimPrefix(raw, []byte(failuresStart))), []byte(";"))
	var out map[string]words
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("reading %s: %w", failuresFile, err)
	}
	return out, nil
}

// Stopped makes the page of a failure. The provider's word chooses among the
// words of its refusal; no other part of the request shows up.
func (p *Pages) Stopped(f Failure, status int) Page {
	w, ok := p.failures[f.Code]
	if special, known := p.failures[f.Reason]; known && f.Code == "SEC-CB-PROVIDER" {
		w = special
	}
	if !ok {
		w = words{At: "account", Say: f.Message, Go: "Try again"}
		if f.Hint != "" {
			w.Do = []string{f.Hint}
		}
	}
	if f.Retry == "" {
		f.Retry = "/signin"
	}
	s := stopped{Failure: f, Say: w.Say, Do: w.Do, Go: w.Go, Wait: w.Wait, Heading: heading(w.At), Trail: trail(w.At, f.Provider)}
	if f.NotSignIn {
		s.Heading, s.Trail = "This did not work", nil
	}
	return Page{Template: "stopped", Title: s.Heading, Status: status, Data: s, Settings: map[string]int{"wait": w.Wait}}
}

func heading(at string) string {
	switch at {
	case "provider":
		return "Sign-in stopped at your provider"
	case "return":
		return "Sign-in stopped on the way back"
	case "identity":
		return "Sign-in stopped at your identity"
	}
	return "Sign-in stopped at Catalpa"
}

// trail are the three steps of a sign-in, of which one failed.
func trail(at, provider string) []step {
	if strings.TrimSpace(provider) == "" {
		provider = "Your provider"
	}
	steps := []step{{provider, "open", "not reached"}, {"Your identity", "open", "not reached"}, {"Catalpa account", "open", "not reached"}}
	done := []string{"opened", "confirmed"}
	failed := map[string]int{"provider": 0, "return": 1, "identity": 1, "account": 2}[at]
	for i := range failed {
		steps[i].State, steps[i].Word = "done", done[i]
	}
	steps[failed].State, steps[failed].Word = "failed", "stopped"
	return steps
}
