// Command catalpa is the metadata server and the tools that look after its data
// directory. It parses the command line, loads the configuration and calls
// internal/server; everything else happens there.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/catalpa-metadata/catalpa/internal/config"
)

// Exit statuses, as the help text of "catalpa" promises them.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitConfig = 78 // EX_CONFIG of sysexits.h
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command line and returns the exit status. A first SIGINT or
// SIGTERM cancels the context, a second one ends the process at once.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return execute(ctx, args, stdout, stderr)
}

// execute parses the command line and runs the command it names.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	var cli commands
	status := -1
	parser, err := kong.New(&cli,
		kong.Name("catalpa"),
		kong.Description(description),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) {
			if status < 0 {
				status = code
			}
		}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
	if err != nil {
		fmt.Fprintf(stderr, "catalpa: %v\n", err)
		return exitFailed
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // --help has answered
		return status
	}
	if err != nil {
		fmt.Fprintf(stderr, "catalpa: %v\nRun \"catalpa --help\" for the commands and \"catalpa COMMAND --help\" for their flags.\n", err)
		return exitUsage
	}
	terminal := &console{stdout: stdout, stderr: stderr}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return exitStatus(parsed.Run(terminal), stderr)
}

// console is where commands write.
type console struct {
	stdout, stderr io.Writer
}

// exitStatus reports the error and translates it.
func exitStatus(err error, stderr io.Writer) int {
	var refused *config.Refused
	var checked *refusedError
	var usage *usageError
	var examined *doctorStatus
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return exitOK
	case errors.As(err, &refused):
		fmt.Fprintf(stderr, "catalpa: %v\n", refused)
		return exitConfig
	case errors.As(err, &checked):
		fmt.Fprintf(stderr, "catalpa: %v\n", checked)
		return exitConfig
	case errors.As(err, &examined):
		return examined.status
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "catalpa: %v\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "catalpa: %v\n", err)
		return exitFailed
	}
}

// usageError is a value on the command line that makes no sense.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

// refusedError ends a check whose findings have been printed.
type refusedError struct{ errors int }

func (e *refusedError) Error() string {
	return fmt.Sprintf("the server would not start: %d error(s)", e.errors)
}
