// Package kubernetes holds no code. Its module pins the programs that package
// cluster builds and runs, apart from the product's own dependencies.
package kubernetes
