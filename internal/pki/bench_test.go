package pki

import "testing"

// The whole way of a locally signed certificate: key, request, its checks,
// signature, and the comparison that follows.
func BenchmarkIssue(b *testing.B) {
	ca := newCA(b, "root", testKey(b, specP256), nil)
	crt := certificate()
	b.ReportAllocs()
	for b.Loop() {
		key := newKey(b, specP256)
		cr := requestFor(b, crt, key)
		template, err := Template(cr, testNow)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ca.Sign(template, key.Public()); err != nil {
			b.Fatal(err)
		}
		if v := RequestViolations(cr, crt); v != nil {
			b.Fatal(v)
		}
	}
}

// The comparison alone: it runs on every look at a Certificate.
func BenchmarkRequestViolations(b *testing.B) {
	crt := certificate(everything)
	cr := requestFor(b, crt, testKey(b, specP256))
	b.ReportAllocs()
	for b.Loop() {
		if v := RequestViolations(cr, crt); v != nil {
			b.Fatal(v)
		}
	}
}
