// Builds a Trivy database from the trees that tests/differential/advisories lays out:
//
//	trivydb TREES OUTPUT
//
// Each feed gets a source, and so a bucket, of its own: Trivy keeps one record for each
// vulnerability and package in a bucket, so that feeds in one bucket would overwrite each other.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/ecosystem"
	"github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy-db/pkg/vulndb"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/alma"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/alpine"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/azure"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/bundler"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/composer"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/debian"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/ghsa"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/node"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/osv"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: %s TREES OUTPUT", os.Args[0])
	}
	trees, output := os.Args[1], os.Args[2]
	if err := db.Init(output); err != nil {
		return err
	}
	sources := map[types.SourceID]vulnsrc.VulnSrc{}
	var names []string
	for _, source := range []vulnsrc.VulnSrc{
		plain("pypa", ecosystem.Pip),
		plain("govulndb", ecosystem.Go),
		plain("rustsec", ecosystem.Cargo),
		plain("drupal", ecosystem.Composer),
		ghsa.NewVulnSrc(),
		bundler.NewVulnSrc(),
		node.NewVulnSrc(),
		composer.NewVulnSrc(),
		debian.NewVulnSrc(),
		alpine.NewVulnSrc(),
		alma.NewVulnSrc(),
		azure.NewVulnSrc(azure.Azure),
		azure.NewVulnSrc(azure.Mariner),
	} {
		sources[source.Name()] = source
		names = append(names, string(source.Name()))
	}
	build := vulndb.New(trees, output, 24*time.Hour, vulndb.WithVulnSrcs(sources))
	if err := build.Build(names); err != nil {
		return err
	}
	return db.Close()
}

// plain reads a folder of OSV records that nobody's rules are applied to.
func plain(feed string, of ecosystem.Type) vulnsrc.VulnSrc {
	source := types.DataSource{ID: types.SourceID(feed), Name: feed}
	return osv.New(feed, source.ID, map[ecosystem.Type]types.DataSource{of: source})
}
