// Package acme speaks with ACME servers: RFC 8555, RFC 8738 (IP addresses),
// RFC 9773 (renewal information). It puts acmez's stateless calls behind our
// verbs, classes every fault, keeps to what a server says of waiting, and finds
// the account of an Issuer. It decides nothing about Orders and Challenges.
package acme
