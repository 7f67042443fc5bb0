// Package secretfiles writes chosen Secrets into directories, for servers in
// the same pod or on the same machine that cannot wait for a kubelet.
//
//	the Secret    missing ─────────────────────────────── Keep, or Remove where asked
//	              incomplete, key of another certificate  Keep
//	the files     other than the Secret ───────────────── Write
//	otherwise                                             Rest
//
// Keep leaves the last good pair where it is and says why. It is the only
// handler that every replica runs, whoever holds the lease: it writes nothing
// to the API server, and each replica has a directory of its own.
package secretfiles
