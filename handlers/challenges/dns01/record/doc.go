// Package record is what a DNS provider is asked for: one value of one TXT
// record, to be there or not to be there. All other values at the same name
// belong to others, and stay.
package record
