// Program gen writes the Pulumi schema of the random provider to standard output; the plugin embeds it.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfgen"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"

	"toolchain/pulumi-resource-random/info"
)

func main() {
	result, err := tfgen.GenerateSchema(context.Background(), tfgen.GenerateSchemaOptions{
		ProviderInfo:    info.Provider(),
		DiagnosticsSink: diag.DefaultSink(io.Discard, os.Stderr, diag.FormatOptions{Color: colors.Never}),
		XInMemoryDocs:   true,
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := os.Stdout.Write(result.ProviderMetadata.PackageSchema); err != nil {
		log.Fatal(err)
	}
}
