// Package monitoring tries deploy/monitoring with Prometheus' own engine: every
// alert firing and not firing, every query of rules and dashboard on a scrape of
// a real daemon, and the dashboard's form. It has tests only.
//
// The scrape is testdata/scrape.prom, which a test of the daemon writes and holds
// to what is served (daemon/served_test.go). The module is one of its own, for
// Prometheus brings hundreds.
package monitoring
