// Package scenes has the daemon use each right that it has, above all those that
// the other end-to-end tests leave alone: of the whole install (deploy/rbac), of the
// install for some namespaces (deploy/namespaced) and of the sidecar. What it used
// is judged by the program above; here it must only work, and nothing be refused.
// The roles of people (deploy/rbac/users.yaml) are tried verb by verb.
package scenes
