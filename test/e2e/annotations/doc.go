// Package annotations holds the end-to-end tests of what is asked for by
// annotation: Certificates for Ingresses, Gateways and ListenerSets, and the
// restart of workloads. It has no code beside its tests; that an ingress
// controller serves what comes of it is shown by test/ingress.
package annotations
