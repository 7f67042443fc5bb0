// Command build builds beforehand the programs of others that the end-to-end
// tests run against certwright, so that its progress is seen.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/certwright/certwright/test/harness"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	path, err := harness.Cmctl(ctx, os.Stderr)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(path)
}
