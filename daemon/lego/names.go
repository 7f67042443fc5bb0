package main

import (
	_ "embed"
	"strings"
)

// list are the names that lego knows, which it keeps in a switch. A test holds
// the two against each other.
//
//go:embed names.txt
var list string

func names() []string { return strings.Fields(list) }
