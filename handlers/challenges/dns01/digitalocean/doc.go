// Package digitalocean makes TXT records by DigitalOcean's API, version 2. Each
// value is a record of its own there, which is found again by its content.
package digitalocean
