// Package doctor finds out why certwright does not work in a cluster, or soon
// will not: it looks at everything it depends on, from the line to the API
// server to the certificate authorities of the issuers, and has a remedy for
// each thing that is wrong.
//
//	Observe ──▶ Facts ──▶ Judge (pure) ──▶ []Finding ──▶ Table, or JSON
//
// It only reads, and asks the API server to rehearse (package checks). Facts
// hold no secret: of a Secret they say what is wrong with it.
package doctor
