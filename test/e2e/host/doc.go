// Package host tests certwright on a host outside the cluster: its units, what
// it tells systemd, its credentials as they change and expire, what it says to
// bad input at the start, and certwright doctor.
package host
