package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"postern/shell"
	"postern/shell/config"
	"postern/shell/db"
)

func serve(ctx context.Context, arguments []string) error {
	c, sources, err := load("postern serve", arguments)
	if err != nil {
		return err
	}
	return serveConfig(ctx, c, sources, nil)
}

// serveEnvironment serves with settings from these environment variables alone and calls connected once the database is
// reached.
func serveEnvironment(ctx context.Context, environment []string, connected func()) error {
	sources := config.Sources{Environment: environment}
	c, err := config.Load(sources)
	if err != nil {
		return err
	}
	return serveConfig(ctx, c, sources, connected)
}

func serveConfig(ctx context.Context, c *config.Config, sources config.Sources, connected func()) error {
	server, err := shell.New(shell.Options{
		Config: c, Sources: sources, Requests: os.Stdout, Events: os.Stderr, Connected: connected,
	})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

// load reads the configuration for a command that takes a config file.
func load(name string, arguments []string) (*config.Config, config.Sources, error) {
	rest, err := parse(newFlags(name, "[FILE]"), arguments, 1)
	if err != nil {
		return nil, config.Sources{}, err
	}
	sources := config.Sources{Environment: os.Environ()}
	if len(rest) == 1 {
		sources.File = rest[0]
	}
	c, err := config.Load(sources)
	return c, sources, err
}

// loadWhole reads the configuration as it would be used, with what the database has of it, and tells its warnings.
func loadWhole(ctx context.Context, name string, arguments []string) (*config.Config, error) {
	c, sources, err := load(name, arguments)
	if err != nil {
		return nil, err
	}
	if c.DBConfig {
		fromDatabase, err := databaseSettings(ctx, c)
		if err != nil {
			fmt.Fprintf(os.Stderr, "postern: without the settings in the database: %v\n", err)
		} else {
			sources.Database, sources.DBURI, sources.DBURIRead = fromDatabase, c.DBURI, c.DBURIRead
			if c, err = config.Load(sources); err != nil {
				return nil, err
			}
		}
	}
	for _, warning := range c.Warnings {
		fmt.Fprintln(os.Stderr, "postern: warning:", warning)
	}
	return c, nil
}

// dumpConfig prints the configuration.
func dumpConfig(ctx context.Context, arguments []string) error {
	c, err := loadWhole(ctx, "postern dump-config", arguments)
	if err != nil {
		return err
	}
	fmt.Print(c.Dump())
	return nil
}

// dumpSchema prints what requests find in the exposed schemas.
func dumpSchema(ctx context.Context, arguments []string) error {
	c, err := loadWhole(ctx, "postern dump-schema", arguments)
	if err != nil {
		return err
	}
	pool, err := db.Open(db.Options{URI: c.DBURI, Version: shell.Version, Size: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	schema, err := pool.Schema(ctx, c.DBSchemas)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, schema, "", "  "); err != nil {
		return err
	}
	fmt.Println(text.String())
	return nil
}

func databaseSettings(ctx context.Context, c *config.Config) (map[string]string, error) {
	pool, err := db.Open(db.Options{URI: c.DBURI, Version: shell.Version, Size: 1})
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	reader, err := pool.Reader(ctx)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return reader.Settings(ctx, c.DBPreConfig, config.DatabaseNames())
}
