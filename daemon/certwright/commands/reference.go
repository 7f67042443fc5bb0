package commands

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const referenceIntro = `# Commands

What ` + "`certwright COMMAND --help`" + ` says, in one page. Results go to standard output,
everything else to standard error. The exit code is 0; 1 for a failure; or 2 for
a command line that cannot be meant. Flags without a command are those of
` + "`certwright run`" + `, so that the args of an existing Deployment start the image.

Commands that ask a cluster find it as kubectl does, and take kubectl's flags for
that: ` + "`--kubeconfig`, `--context`, `-n`, `--as`" + ` and the like.
`

const completionReference = `
## certwright completion

Print a script that completes commands, flags and the names of objects in a
shell: bash, zsh, fish or powershell. ` + "`certwright completion bash --help`" + ` says where to put it.

` + "```text" + `
source <(certwright completion bash)
` + "```" + `
`

// writeReference writes the reference of all commands as Markdown, for the
// documentation.
func writeReference(w io.Writer, root *cobra.Command) error {
	var b strings.Builder
	b.WriteString(referenceIntro)
	describe(&b, root)
	_, err := io.WriteString(w, b.String())
	return err
}

// describe writes a command, and those below it, that do something by themselves.
func describe(b *strings.Builder, cmd *cobra.Command) {
	if cmd.HasParent() && cmd.Runnable() && (!cmd.HasSubCommands() || cmd.LocalNonPersistentFlags().HasFlags()) {
		text := cmd.Long
		if text == "" {
			text = cmd.Short + "."
		}
		fmt.Fprintf(b, "\n## %s\n\n%s\n\n```text\n%s\n```\n", cmd.CommandPath(), strings.TrimSpace(inCode(text)), cmd.UseLine())
		flagTable(b, cmd)
		if cmd.HasExample() {
			fmt.Fprintf(b, "\n```text\n%s\n```\n", unindent(cmd.Example))
		}
	}
	for _, c := range cmd.Commands() {
		if c.Name() == "completion" { // cobra's own, whose help is in another voice
			b.WriteString(completionReference)
		} else if c.IsAvailableCommand() {
			describe(b, c)
		}
	}
}

// flagTable leaves out what kubectl has too, and what the page on configuration has.
func flagTable(b *strings.Builder, cmd *cobra.Command) {
	if cmd.Name() == "run" && cmd.Parent() == cmd.Root() {
		b.WriteString("\nIts flags: [Options of certwright run](configuration.md).\n")
		return
	}
	var kubectl pflag.FlagSet
	probe := &cobra.Command{}
	clusterFlags(probe)
	kubectl.AddFlagSet(probe.Flags())
	rows := 0
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || kubectl.Lookup(f.Name) != nil {
			return
		}
		if rows++; rows == 1 {
			b.WriteString("\n| flag | default | |\n|---|---|---|\n")
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name += ", `-" + f.Shorthand + "`"
		}
		value := ""
		if !slices.Contains([]string{"", "false", "[]", "0s"}, f.DefValue) {
			value = "`" + f.DefValue + "`"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, value, strings.ReplaceAll(inCode(f.Usage), "|", `\|`))
	})
}

// inCode sets flags and commands that a text names as code.
func inCode(text string) string {
	words := strings.Split(text, `"`)
	for i, w := range words {
		if i%2 == 1 && i < len(words)-1 && (strings.HasPrefix(w, "certwright ") || strings.HasPrefix(w, "kubectl ")) {
			words[i] = "\x00" + w + "\x00"
		}
	}
	joined := strings.Join(words, `"`)
	joined = strings.ReplaceAll(strings.ReplaceAll(joined, "\"\x00", "`"), "\x00\"", "`")
	return strings.ReplaceAll(joined, "<", `\<`)
}

func unindent(example string) string {
	lines := strings.Split(strings.Trim(example, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
	}
	return strings.Join(lines, "\n")
}
