// Package line is a bad line between two networks of one machine: IP packets
// are delayed, sent at the pace of the line, lost by chance, or all of them for
// a while, without a word to either side. So TCP meets what it meets on such a
// line: it sends again, waits ever longer, and hears of no end.
//
//	our network ── tun ── delay, pace, loss, black hole ── tun ── the far network
//
// The kernel's own (tc netem) is not in every kernel. It needs root and Linux.
package line
