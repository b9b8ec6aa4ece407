// Package shim reaches the internal provider package.
package shim

import (
	"github.com/hashicorp/terraform-plugin-framework/provider"
	p "github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// NewProvider returns the Terraform random provider.
func NewProvider() provider.Provider { return p.New() }
