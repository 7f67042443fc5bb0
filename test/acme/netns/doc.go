// Package netns runs a program in a network of its own, where ports 53 and 80
// are free, an address that is not a loopback one leads to this machine, and a
// DNS server of our own is everybody's resolver. Nothing in it reaches any
// other network, and it is gone with the program. It needs root and Linux.
package netns
