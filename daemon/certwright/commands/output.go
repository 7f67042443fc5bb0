package commands

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/certwright/certwright/daemon/certwright/page"
)

// output is the -o flag of a command.
type output struct{ format string }

func outputFlag(cmd *cobra.Command) *output {
	o := &output{}
	cmd.Flags().StringVarP(&o.format, "output", "o", "", "json or yaml, instead of text")
	// It fails only for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
	return o
}

// check is to be called before any work is done for the output.
func (o *output) check() error {
	switch o.format {
	case "", "json", "yaml":
		return nil
	}
	return usagef("-o %q is no output; write json or yaml, or leave it out for text", o.format)
}

// print writes v as the flag says, or calls text.
func (o *output) print(w io.Writer, v any, text func(io.Writer) error) error {
	if o.format == "" {
		return text(w)
	}
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if o.format == "yaml" {
		if data, err = yaml.JSONToYAML(data); err != nil {
			return err
		}
	}
	_, err = w.Write(data)
	return err
}

// onPage makes a text function of one that fills a page.
func onPage(fill func(*page.Page)) func(io.Writer) error {
	return func(w io.Writer) error {
		var p page.Page
		fill(&p)
		_, err := p.WriteTo(w)
		return err
	}
}
