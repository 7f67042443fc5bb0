// Package ingress stands in for an ingress controller where a real one would
// take too long to build: a reverse proxy that follows Ingress -> Service ->
// ExternalName or EndpointSlice on the API server. It looks at nothing but the
// Host and the path of a request, so that it serves as well as a forward proxy:
// whoever has it as HTTP_PROXY reaches every name through it.
package ingress
