// Command docs proves the documentation: it runs every command and applies every
// manifest of docs/*.md and of README.md, page by page, in the order in which a
// reader meets them, each page on a fresh control plane of its own.
//
//	go run .                 all pages
//	go run . acme issuers    some of them
//	go run . -links          links, names of options and the like only
//
// What a fenced block is, its language says:
//
//	sh                  commands for bash -euo pipefail. Folder, variables and
//	                    background processes last to the end of the page. A
//	                    `certwright run` in the foreground goes to the background,
//	                    as it would to another terminal.
//	sh not-run="why"    is not run; it is named and counted, and there must be few
//	yaml                manifests, applied with kubectl apply --server-side; one of
//	                    certwright's own Configuration is given to certwright run
//	yaml file=NAME      a file, written for a later command
//	text                output, fragments, pictures: nothing to run
//
// Any other language is a fault. A page says by `<!-- needs: WORDS -->` what it
// wants there beforehand:
//
//	(nothing said)      deploy applied, and a daemon at work with its own rights
//	bare                an empty cluster: the page starts the daemon itself
//	acme                besides, pebble, a DNS server and an ingress controller
//	vault               besides, a real Vault
//	gateway             besides, the definitions of the Gateway API
//
// A cluster has no nodes here, so that no pod runs: pages wait for objects. What
// needs a node is shown by make prove-node. What cannot be had at all is stood in
// for, and only so far as a comment says: see standins.go for commands of the
// operating system, and world.go for addresses (Let's Encrypt is pebble).
package main
