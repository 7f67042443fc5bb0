// Package status answers for people what a Certificate waits for and what to do
// about it, from nothing but what the API shows.
//
//	Reader.One, Reader.All, Live ──> Observed ──> New ──> Report ──> Table, Write, Screen, Line, JSON
//	 (reads and watches of the API)               internal/verdict
//
// Only the Reader and Live know the API; all behind them is pure. Live keeps
// what it watches in caches of its own, for as long as somebody looks.
package status
