// Command release makes the files of a release, and after one begins the next version:
//
//	release build DIRECTORY
//	release freeze VERSION
package main

import (
	"errors"
	"fmt"
	"os"

	"postern/cmd/internal/freeze"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 2 {
		switch arguments[0] {
		case "build":
			return build(".", arguments[1])
		case "freeze":
			return freeze.Freeze(".", arguments[1])
		}
	}
	return errors.New("usage: release build DIRECTORY, or release freeze VERSION")
}
