// Package chart holds the tests of deploy/chart, with the real helm and a real API
// server: that what it makes is what deploy makes, that a values.yaml of cert-manager's
// is taken and a typo is not, and that releases come, change and go. It has no code
// beside its tests.
package chart
