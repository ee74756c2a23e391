package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/doctor"
	"github.com/catalpa-metadata/catalpa/internal/server"
)

type doctorCommand struct {
	All      doctorAllCommand      `cmd:"" default:"withargs" help:"Examine everything."`
	Token    doctorTokenCommand    `cmd:"" help:"Explain one token: what it says and why it is taken or refused."`
	Provider doctorProviderCommand `cmd:"" help:"Examine the identity provider: name, TLS, discovery, keys, clock, client."`
	Bots     doctorBotsCommand     `cmd:"" help:"Examine the bots' tokens."`
	Keys     doctorKeysCommand     `cmd:"" help:"Examine the signing keys."`
	Code     doctorCodeCommand     `cmd:"" help:"Explain a code, such as SEC-TOK-KID: what it means, what to do, what finds the cause."`
	Proxy    doctorProxyCommand    `cmd:"" help:"Ask the running server by its public address: what does a proxy in between change?"`
}

// Help is shown below the flags.
func (doctorCommand) Help() string {
	return `Looks at configuration, data directory, keys, bots and identity provider, and says what is wrong and what to do. The server may be running on the directory or not.

Exit status: 0 all is well, 1 warnings, 2 something is wrong.`
}

// doctorFlags are shared by the commands that print a report.
type doctorFlags struct {
	JSON bool `name:"json" help:"Print the report as JSON."`
	settingsFlags
}

// doctorStatus ends the program with the report's exit status.
type doctorStatus struct{ status int }

func (e *doctorStatus) Error() string {
	return fmt.Sprintf("the examination ended with status %d", e.status)
}

type doctorAllCommand struct{ doctorFlags }

// Run examines everything.
func (c *doctorAllCommand) Run(ctx context.Context, out *console) error { return c.report(ctx, out) }

type doctorProviderCommand struct{ doctorFlags }

// Run examines the identity provider.
func (c *doctorProviderCommand) Run(ctx context.Context, out *console) error {
	return c.report(ctx, out, doctor.AreaConfiguration, doctor.AreaProvider)
}

type doctorBotsCommand struct{ doctorFlags }

// Run examines the bots.
func (c *doctorBotsCommand) Run(ctx context.Context, out *console) error {
	return c.report(ctx, out, doctor.AreaBots)
}

type doctorKeysCommand struct{ doctorFlags }

// Run examines the keys.
func (c *doctorKeysCommand) Run(ctx context.Context, out *console) error {
	return c.report(ctx, out, doctor.AreaKeys)
}

type doctorProxyCommand struct{ doctorFlags }

// Run examines the way from the public address to the server.
func (c *doctorProxyCommand) Run(ctx context.Context, out *console) error {
	return c.report(ctx, out, doctor.AreaProxy)
}

func (f doctorFlags) report(ctx context.Context, out *console, areas ...string) error {
	cfg, findings, again, err := f.examined()
	if err != nil {
		return err
	}
	report, err := server.Doctor(ctx, cfg, findings, again, areas...)
	if err != nil {
		return err
	}
	if f.JSON {
		raw, err := json.Marshal(report, jsontext.WithIndent("  "))
		if err != nil {
			return err
		}
		fmt.Fprintf(out.stdout, "%s\n", raw)
	} else {
		printReport(out, report)
	}
	if status := report.ExitStatus(); status != 0 {
		return &doctorStatus{status: status}
	}
	return nil
}

// examined loads the configuration for an examination: what would stop the server is
// part of the report, not the end of it.
func (f settingsFlags) examined() (*config.Config, config.Findings, server.Reload, error) {
	options, err := f.options()
	if err != nil {
		return nil, nil, nil, err
	}
	_, strict, _ := config.Load(options)
	options.Offline = true
	cfg, findings, err := config.Load(options)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(strict) > 0 {
		findings = strict
	}
	return cfg, findings, reload(options), nil
}

func printReport(out *console, report doctor.Report) {
	area := ""
	for _, c := range report.Checks {
		if c.Area != area {
			area = c.Area
			fmt.Fprintf(out.stdout, "\n%s\n", strings.ToUpper(area))
		}
		mark := map[doctor.Status]string{doctor.Fine: "ok     ", doctor.Warning: "warning", doctor.Wrong: "ERROR  "}[c.Status]
		line := fmt.Sprintf("  %s  %s: %s", mark, c.Name, c.Detail)
		if c.Took > 0 {
			line += fmt.Sprintf(" (%d ms)", c.Took)
		}
		if c.Code != "" && c.Status != doctor.Fine {
			line += " [" + c.Code + "]"
		}
		fmt.Fprintln(out.stdout, line)
		if c.Remedy != "" && c.Status != doctor.Fine {
			fmt.Fprintf(out.stdout, "           do: %s\n", c.Remedy)
		}
	}
	fmt.Fprintf(out.stdout, "\n%s\n", map[doctor.Status]string{
		doctor.Fine: "All is well.", doctor.Warning: "It works; look at the warnings.", doctor.Wrong: "Something is wrong; see the lines marked ERROR.",
	}[report.Status])
}

type doctorTokenCommand struct {
	File string `arg:"" help:"File that holds the token; - for standard input. The token is never printed and never sent anywhere."`
	JSON bool   `name:"json" help:"Print the explanation as JSON."`
	settingsFlags
}

// Run explains a token.
func (c *doctorTokenCommand) Run(ctx context.Context, out *console) error {
	raw, err := readDocument(c.File)
	if err != nil {
		return err
	}
	cfg, _, again, err := c.examined()
	if err != nil {
		return err
	}
	explanation, err := server.ExplainToken(ctx, cfg, again, string(raw))
	if err != nil {
		return err
	}
	if c.JSON {
		text, err := json.Marshal(explanation, jsontext.WithIndent("  "))
		if err != nil {
			return err
		}
		fmt.Fprintf(out.stdout, "%s\n", text)
	} else {
		printExplanation(out, explanation)
	}
	if !explanation.OK {
		return &doctorStatus{status: 2}
	}
	return nil
}

func printExplanation(out *console, e auth.Explanation) {
	for _, f := range e.Facts {
		fmt.Fprintf(out.stdout, "  %-12s %s\n", f.Name, f.Value)
	}
	if e.OK {
		fmt.Fprintf(out.stdout, "\nThis token is accepted.\n")
	} else {
		fmt.Fprintf(out.stdout, "\nThis token is refused: %s\n%s\n", e.Code, e.Message)
	}
	for _, remark := range e.Remarks {
		fmt.Fprintf(out.stdout, "- %s\n", remark)
	}
	if !e.OK {
		fmt.Fprintf(out.stdout, "Do: %s\n", e.Hint)
	}
}

type doctorCodeCommand struct {
	Code string `arg:"" optional:"" help:"The code; all of them if it is left out."`
	JSON bool   `name:"json" help:"Print the codes as JSON."`
}

// Help is shown below the flags.
func (doctorCodeCommand) Help() string {
	return `The same words that people read when they are refused. No data directory is needed. Codes that begin with SEC-CFG- belong to settings and explain themselves: catalpa config check.`
}

// Run explains codes.
func (c *doctorCodeCommand) Run(out *console) error {
	codes := server.Codes()
	if c.Code != "" {
		wanted := strings.ToUpper(strings.TrimSpace(c.Code))
		at := slices.IndexFunc(codes, func(code server.Code) bool { return code.Code == wanted })
		if at < 0 {
			return &usageError{message: fmt.Sprintf("there is no code %q; catalpa doctor code lists them", c.Code)}
		}
		codes = codes[at : at+1]
	}
	if c.JSON {
		raw, err := json.Marshal(codes, jsontext.WithIndent("  "))
		if err == nil {
			_, err = fmt.Fprintf(out.stdout, "%s\n", raw)
		}
		return err
	}
	for i, code := range codes {
		if i > 0 {
			fmt.Fprintln(out.stdout)
		}
		status := "a warning"
		if code.Status > 0 {
			status = fmt.Sprint(code.Status)
		}
		fmt.Fprintf(out.stdout, "%s (%s)\n  %s\n  do: %s\n", code.Code, status, code.Message, code.Hint)
		if code.Examine != "" {
			fmt.Fprintf(out.stdout, "  find the cause: %s\n", code.Examine)
		}
	}
	return nil
}
