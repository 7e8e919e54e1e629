// Package testcluster lends the private clusters of cmd/internal/cluster to tests outside of cmd.
package testcluster

import (
	"context"

	"postern/cmd/internal/cluster"
)

// Cluster is a running private cluster.
type Cluster = cluster.Cluster

// Start starts a throwaway cluster with durability off; its Stop removes it. POSTERN_PG_BIN names the binaries, as
// [cluster.FindBinaries] has it.
func Start(ctx context.Context) (*Cluster, error) { return cluster.Start(ctx, cluster.Options{}) }
