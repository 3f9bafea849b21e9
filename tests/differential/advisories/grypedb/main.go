// Builds a Grype database from a folder of vunnel workspaces: main WORKSPACES OUTPUT.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anchore/grype/grype/db"
	"github.com/anchore/grype/grype/db/provider"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: %s WORKSPACES OUTPUT", os.Args[0])
	}
	root, output := os.Args[1], os.Args[2]
	folders, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	var states provider.States
	for _, folder := range folders {
		workspace := provider.NewWorkspaceFromExisting(filepath.Join(root, folder.Name()))
		if err := workspace.EnsureListingFile(); err != nil {
			return err
		}
		state, err := workspace.ReadState()
		if err != nil {
			return err
		}
		states = append(states, *state)
	}
	return db.Build(db.BuildConfig{
		SchemaVersion: 6,
		Directory:     output,
		States:        states,
		Timestamp:     time.Now().UTC(),
		Hydrate:       true,
	})
}
