// Package filedir keeps a few files in a directory such that they change all at
// once, in the way a kubelet keeps the files of a Secret volume:
//
//	DIR/..2026_03_01_12_00_00.123456/tls.crt   one version, never changed
//	DIR/..data   -> ..2026_03_01_12_00_00.123456
//	DIR/tls.crt  -> ..data/tls.crt
//
// A new version is made whole beside the old one, and then one rename of the
// link ..data puts it in the other's place. There is no moment in which a file
// is missing, half written or of another version than what ..data names.
//
// Who needs several files of one version reads the link ..data once and opens
// them there; the version stays for a while after it was replaced. Who opens
// DIR/tls.crt and DIR/tls.key one after the other can, as with a Secret volume,
// meet the rename between the two: crypto/tls then refuses the pair, and the
// next try has it right. Programs that watch the files they have opened (as
// controller-runtime's certwatcher does) are woken at once, because the files
// of the replaced version are touched.
package filedir
