// Command contracts writes which value keys a Helm chart and its subcharts read, as a JSON Schema.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"contracts/reads"
	"contracts/schema"

	"helm.sh/helm/v3/pkg/chart/loader"
)

const usage = `contracts writes which value keys a Helm chart and its subcharts read, as a JSON Schema (the value contract).

  contracts CHART   a chart package, or a folder with a Chart.yaml

`

func main() {
	log.SetFlags(0)
	log.SetPrefix("contracts: ")
	switch err := run(os.Args[1:], os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case errors.As(err, new(usageError)):
		log.Print(err)
		os.Exit(2)
	case err != nil:
		log.Print(err)
		os.Exit(1)
	}
}

// usageError is a mistake on the command line.
type usageError string

func (e usageError) Error() string { return string(e) + "; `contracts --help` says what it takes" }

// run writes the contract of the chart that the arguments name, and what could not be told exactly as warnings.
func run(arguments []string, out, warnings io.Writer) error {
	flags := flag.NewFlagSet("contracts", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	partial := flags.Bool("partial", false, "allow any value for a dependency that the package lacks, instead of failing")
	switch err := flags.Parse(arguments); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(out)
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
		return err
	case err != nil:
		return usageError(err.Error())
	case flags.NArg() != 1:
		return usageError(fmt.Sprintf("%d charts are named, it takes one, after the options", flags.NArg()))
	}
	chart, err := loader.Load(flags.Arg(0))
	if err != nil {
		return fmt.Errorf("%s is not a chart: %w", flags.Arg(0), err)
	}
	result, err := reads.Analyse(chart, *partial)
	if err != nil {
		return err
	}
	for _, warning := range result.Warnings {
		fmt.Fprintln(warnings, "contracts: warning:", warning)
	}
	_, err = out.Write(schema.Contract(chart.Name(), chart.Metadata.Version, result.Values))
	return err
}
