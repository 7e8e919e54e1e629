// Command postern serves a REST API from a PostgreSQL database, in PostgREST's dialect of HTTP.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"postern/shell"
	"postern/shell/config"
)

// command is one of the things that postern does.
type command struct {
	usage   string // arguments, for the help
	summary string // what it does, for the help
	run     func(ctx context.Context, arguments []string) error
}

var commands = map[string]command{
	"serve":       {"[FILE]", "serve the API (also without any command)", serve},
	"dump-config": {"[FILE]", "print the configuration", dumpConfig},
	"dump-schema": {"[FILE]", "print what requests find in the exposed schemas, as JSON", dumpSchema},
	"demo":        {"[--port N]", "serve a demo database from a private PostgreSQL cluster", runDemo},
	"migrate":     {"[--to N] [FILE]", "install or update postern in a database", migrateCommand},
	"ready":       {"[FILE]", "ask the admin server of a running postern whether it is ready", ready},
}

// errUsage has been reported on standard error already.
var errUsage = errors.New("usage")

func main() {
	// To the end of the process: a signal more does not end what is ending.
	ctx, _ := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp): // it has been printed
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "postern:", err)
		os.Exit(1)
	}
}

// run picks the command: the first argument if it is one, else what the flags say, else serve.
func run(ctx context.Context, arguments []string) error {
	if len(arguments) > 0 {
		if chosen, ok := commands[arguments[0]]; ok {
			return chosen.run(ctx, arguments[1:])
		}
	}
	flags := newFlags("postern", "")
	flags.Usage = func() { help(flags.Output()) }
	version, example, dump, schema, askReady := false, false, false, false, false
	for flagNames, value := range map[string]*bool{
		"version v": &version, "example e": &example, "dump-config": &dump, "dump-schema": &schema, "ready": &askReady,
	} {
		for name := range strings.FieldsSeq(flagNames) {
			flags.BoolVar(value, name, false, "")
		}
	}
	rest, err := parse(flags, arguments, 1)
	switch {
	case err != nil:
		return err
	case version:
		fmt.Println("postern " + shell.Version)
		return nil
	case example:
		fmt.Print(config.Example())
		return nil
	case dump:
		return dumpConfig(ctx, rest)
	case schema:
		return dumpSchema(ctx, rest)
	case askReady:
		return ready(ctx, rest)
	}
	return serve(ctx, rest)
}

// newFlags makes the flags of a command, which report mistakes on standard error.
func newFlags(name, usage string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "Usage: %s %s\n", name, usage)
		flags.PrintDefaults()
	}
	return flags
}

// parse reads flags, which may also follow other arguments, and returns the latter, of which there may be at most most.
func parse(flags *flag.FlagSet, arguments []string, most int) ([]string, error) {
	var rest []string
	for {
		if slices.Contains([]string{"-h", "-help", "--help"}, slices.Concat(arguments, []string{""})[0]) {
			flags.SetOutput(os.Stdout)
		}
		if err := flags.Parse(arguments); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage
		}
		if flags.NArg() == 0 {
			break
		}
		rest, arguments = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
	if len(rest) > most {
		fmt.Fprintf(flags.Output(), "too many arguments: %s\n", strings.Join(rest, " "))
		flags.Usage()
		return nil, errUsage
	}
	return rest, nil
}

func help(to io.Writer) {
	fmt.Fprint(to, `postern serves a REST API from a PostgreSQL database.

Usage:
  postern [FILE]          serve the API with a config file, or PGRST_* variables alone
  postern COMMAND …

Commands:
`)
	for _, name := range slices.Sorted(maps.Keys(commands)) {
		c := commands[name]
		fmt.Fprintf(to, "  %-22s  %s\n", strings.TrimSpace(name+" "+c.usage), c.summary)
	}
	fmt.Fprint(to, `
Flags:
  --dump-config           as the command
  --dump-schema           as the command
  --ready                 as the command
  -e, --example           print a config file with every setting
  -v, --version           print the version
  -h, --help              print this
`)
}
