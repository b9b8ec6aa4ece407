// Program pulumi-resource-random bridges the Terraform random provider to Pulumi. schema.json is written by ./gen
// before the build (toolchain/install.py), and is not committed.
package main

import (
	"context"
	_ "embed"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"

	"toolchain/pulumi-resource-random/info"
)

//go:embed schema.json
var schema []byte

func main() {
	meta := tfbridge.ProviderMetadata{PackageSchema: schema, BridgeMetadata: []byte("{}")}
	tfbridge.Main(context.Background(), "random", info.Provider(), meta)
}
