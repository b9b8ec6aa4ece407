// Package info describes the Terraform random provider to the Pulumi bridge.
package info

import (
	"context"
	"errors"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	bridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/terraform-providers/terraform-provider-random/shim"
)

// Version is the release this plugin stands for; the linker sets it.
var Version = "0.0.0-dev"

// Provider returns the bridge's description: every random_x becomes random:index:RandomX.
func Provider() bridge.ProviderInfo {
	provider := bridge.ProviderInfo{
		P:                           tfbridge.ShimProvider(shim.NewProvider()),
		Name:                        "random",
		Version:                     Version,
		MetadataInfo:                bridge.NewProviderMetadata([]byte("{}")),
		Resources:                   map[string]*bridge.ResourceInfo{"random_bytes": {ComputeID: bytesID}},
		EnableAccurateBridgePreview: true,
	}
	provider.MustComputeTokens(tokens.SingleModule("random_", "index", func(module, name string) (string, error) {
		return tokens.MakeStandard("random")(module, "Random"+name)
	}))
	return provider
}

// bytesID gives RandomBytes the id that the official plugin gives it: its base64 text.
func bytesID(_ context.Context, state resource.PropertyMap) (resource.ID, error) {
	value := state["base64"]
	if value.IsSecret() {
		value = value.SecretValue().Element
	}
	if !value.IsString() {
		return "", errors.New("RandomBytes: the property base64 is missing")
	}
	return resource.ID(value.StringValue()), nil
}
