// Command certwright-lego is the child process of certwright in which one DNS
// provider of the lego library writes or removes one record. It is not for
// people: see the package handlers/challenges/dns01/lego for what it is asked
// and why it is a program, and a Go module, of its own. With all of lego's
// providers linked, certwright itself would take 45 MB more memory at rest and
// thrice the disk.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/certwright/certwright/handlers/challenges/dns01/lego/protocol"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintf(os.Stderr, "%s is run by certwright, which tells it on standard input what to do.\n", protocol.Program)
		os.Exit(2)
	}
	var request protocol.Request
	decoder := json.NewDecoder(os.Stdin)
	if err := decoder.Decode(&request); err != nil {
		fmt.Fprintln(os.Stderr, "read the request:", err)
		os.Exit(1)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		os.Exit(1)
	}()
	confine()
	out := os.Stdout
	os.Stdout = os.Stderr // what a library prints is no response
	if err := json.NewEncoder(out).Encode(serve(request, named)); err != nil {
		os.Exit(1)
	}
}
