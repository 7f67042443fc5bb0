// Command page proves the daemon's web page in a real browser, and `certwright
// status --watch` on a real terminal: the real daemon, on standby, on a control
// plane with Certificates in every state.
//
//	go run .              pages N checks N failed 0
//	go run . -shots DIR   and leaves pictures of every page there, to be looked at
//
// Every page is seen in light and dark, wide and 320 pixels narrow, and each
// time axe-core looks for faults of accessibility (contrast among them), the
// console for errors, and the network for requests to anywhere else.
package main
