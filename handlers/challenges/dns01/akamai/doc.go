// Package akamai changes TXT record sets by the Edge DNS zone management API,
// version 2, with requests signed as EdgeGrid wants it.
package akamai
