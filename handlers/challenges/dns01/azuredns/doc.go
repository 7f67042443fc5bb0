// Package azuredns changes TXT record sets by the API of Azure DNS, of public
// and private zones. Each write names the version of the set that was read, so
// that two who change the same set cannot undo each other.
package azuredns
