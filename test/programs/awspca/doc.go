// Package awspca holds no code. Its module pins the AWS Private CA issuer, which
// the tests of external issuers build and run, apart from the product's own
// dependencies.
package awspca
